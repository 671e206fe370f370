/** @module How the site is built: from the sources of svi-lm, by the names that a user imports it by. */
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import { documentation } from "./plugins/documentation.ts";
import { examples } from "./plugins/examples.ts";
import { offline } from "./plugins/offline.ts";
import { pretrained } from "./plugins/pretrained.ts";
import { PUBLIC } from "./plugins/public.ts";
import { samples } from "./plugins/samples.ts";

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  root: here("."),
  // Relative, so that the folder may lie anywhere.
  base: "./",
  publicDir: PUBLIC,
  build: {
    outDir: here("../build/playground"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  worker: { format: "es" },
  plugins: [samples(), documentation(), examples(), pretrained(), offline()],
});
