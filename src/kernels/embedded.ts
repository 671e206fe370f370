/**
 * @module Provides the kernels that travel as text, for every host that compiles at run time: those that predict, to
 * which training adds its own. Imported for its effect.
 */
import { predictionText } from "./generated/parts.ts";
import { kernelsOf, provideKernels } from "./kernels.ts";
import { bytesOfText } from "./printable.ts";

provideKernels(kernelsOf("simd", () => bytesOfText(predictionText), false));
