/**
 * @module Storage that speaks S3's protocol: a store of blobs, and texts read by position, at addresses such as
 * s3://bucket/prefix?endpoint=https://host:9000&region=eu-central-1.
 *
 * Endpoint and region may stand in AWS_ENDPOINT_URL and AWS_REGION instead, as other clients read them; key and secret
 * are read from the environment alone, since an address travels through Redis.
 */
import type { AwsClient } from "aws4fetch";
import { SviError } from "../errors.ts";
import { notInstalled } from "./packages.ts";
import type { Store } from "./store.ts";

/** Tries after the first that an answer of 429 or 5xx gets, further and further apart. */
const RETRIES = 4;
const RETRY_MILLISECONDS = 100;

interface Place {
  readonly endpoint: string;
  readonly region: string;
  readonly bucket: string;
  /** Object's name, or what comes before a blob's. */
  readonly key: string;
}

export function isObject(address: string): boolean {
  return address.startsWith("s3://");
}

/** @throws SviError `E_OPTION` */
function placeOf(address: string): Place {
  const url = URL.canParse(address) ? new URL(address) : null;
  const key = decodeURIComponent(url?.pathname ?? "").replace(/^\/+|\/+$/g, "");
  const region =
    url?.searchParams.get("region") ?? env("AWS_REGION") ?? env("AWS_DEFAULT_REGION") ?? "us-east-1";
  const endpoint =
    url?.searchParams.get("endpoint") ??
    env("AWS_ENDPOINT_URL_S3") ??
    env("AWS_ENDPOINT_URL") ??
    `https://s3.${region}.amazonaws.com`;
  if (url?.host && URL.canParse(endpoint))
    return { endpoint: endpoint.replace(/\/+$/, ""), region, bucket: url.host, key };
  throw new SviError("E_OPTION", `${JSON.stringify(address)} names no bucket`, {
    value: address,
    remedy: "Give an address such as s3://bucket/prefix?endpoint=https://host:9000",
  });
}

function env(name: string): string | undefined {
  return process.env[name] || undefined;
}

/** Requests to one place, signed; the client is loaded by the first. */
class Bucket {
  readonly #place: Place;
  #client: Promise<AwsClient> | null = null;

  constructor(address: string) {
    this.#place = placeOf(address);
  }

  /** @param name after the key; the key alone where omitted */
  urlOf(name?: string): string {
    const { endpoint, bucket, key } = this.#place;
    const path = [bucket, ...key.split("/"), name]
      .filter((part) => part)
      .map((part) => encodeURIComponent(part!));
    return `${endpoint}/${path.join("/")}`;
  }

  async request(url: string, init: RequestInit): Promise<Response> {
    this.#client ??= this.#load();
    const client = await this.#client;
    return client.fetch(url, init).catch((cause) => {
      throw this.#failure(
        `cannot be reached: ${messageOf(cause)}`,
        "Start it, or correct the endpoint",
        cause,
      );
    });
  }

  async #load(): Promise<AwsClient> {
    const accessKeyId = env("AWS_ACCESS_KEY_ID");
    const secretAccessKey = env("AWS_SECRET_ACCESS_KEY");
    if (!accessKeyId || !secretAccessKey)
      throw this.#failure(
        "wants a key",
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY where this process runs",
      );
    const { AwsClient } = await import("aws4fetch").catch((cause) => {
      throw notInstalled(["aws4fetch"], cause);
    });
    return new AwsClient({
      accessKeyId,
      secretAccessKey,
      sessionToken: env("AWS_SESSION_TOKEN"),
      service: "s3",
      region: this.#place.region,
      retries: RETRIES,
      initRetryMs: RETRY_MILLISECONDS,
    });
  }

  /** What an answer that is none of those expected says. */
  async refusal(response: Response): Promise<SviError> {
    const code = codeIn(await response.text().catch(() => ""));
    const said = `answered ${response.status}${code ? ` (${code})` : ""}`;
    if (code === "NoSuchBucket")
      return this.#failure("does not exist", "Make the bucket first, or correct its name");
    if (response.status === 403)
      return this.#failure(said, "Check key and secret, and that they may read, write and delete there");
    if (response.status === 507 || /full|quota/i.test(code ?? ""))
      return this.#failure(said, "Make room in the storage; the same command then continues the run");
    return this.#failure(said, "Check the storage, and run the same command again");
  }

  #failure(what: string, remedy: string, cause?: unknown): SviError {
    const { bucket, endpoint } = this.#place;
    return new SviError("E_STORE", `Bucket ${bucket} at ${endpoint} ${what}`, {
      option: "store",
      value: bucket,
      remedy,
      cause,
    });
  }
}

/** Of the XML that errors come with. */
export function codeIn(body: string): string | null {
  return /<Code>(\w+)<\/Code>/.exec(body)?.[1] ?? null;
}

function messageOf(cause: unknown): string {
  const { message, cause: below } = cause as Error;
  return below instanceof Error && below.message ? below.message : message;
}

/** Objects below a prefix. @throws SviError `E_OPTION` where the address names no bucket */
export function objectStore(address: string): Store {
  const bucket = new Bucket(address);
  return {
    async write(name, bytes) {
      const body = bytes as Uint8Array<ArrayBuffer>;
      const response = await bucket.request(bucket.urlOf(name), { method: "PUT", body });
      if (!response.ok) throw await bucket.refusal(response);
      await response.arrayBuffer();
    },
    async read(name) {
      const response = await bucket.request(bucket.urlOf(name), {});
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      if (response.status !== 404) throw await bucket.refusal(response);
      const body = await response.text();
      if (codeIn(body) === "NoSuchBucket")
        throw await bucket.refusal(new Response(body, { status: response.status }));
      return null;
    },
    async remove(name) {
      const response = await bucket.request(bucket.urlOf(name), { method: "DELETE" });
      if (!response.ok && response.status !== 404) throw await bucket.refusal(response);
      await response.arrayBuffer();
    },
  };
}

/** What asks for an object with headers, as `fetch` does for an http address. */
export function objectFetch(address: string): (headers: Record<string, string>) => Promise<Response> {
  const bucket = new Bucket(address);
  return (headers) => bucket.request(bucket.urlOf(), { headers });
}
