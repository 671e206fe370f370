/** @module The models of `npm run models`, where they were made. */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import type { Plugin } from "vite";
import { PUBLIC, ROOT, serve } from "./public.ts";

/** Copies build/models/ to `models/`; a site without them lists none, and says nothing of them. */
export function pretrained(): Plugin {
  const made = join(ROOT, "build/models");
  if (existsSync(join(made, "index.json"))) cpSync(made, join(PUBLIC, "models"), { recursive: true });
  else serve("models/index.json", "[]");
  return { name: "pretrained" };
}
