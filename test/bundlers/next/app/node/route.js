import { job } from "../../job.js";

export const dynamic = "force-dynamic";

export async function GET() {
  return Response.json(await job());
}
