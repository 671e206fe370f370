import { loadKernels } from "svi-lm/module";
import { report } from "./page.js";

report(async () => {
  const { build } = await loadKernels(fetch("/kernels.wasm"));
  return { build };
});
