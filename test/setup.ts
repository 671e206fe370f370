/** Tests reach into single modules: the kernels are provided as an entry point of the package would. */
import "../src/kernels/embedded.ts";
