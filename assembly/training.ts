// What training and evaluation call besides assembly/prediction.ts, on the same memory. Products that both have are
// of int16 here.

// @ts-ignore: decorator
@global
const INT16_ALONE: bool = true;

export { heapBase } from "./heap";
export { cos64 } from "./elementary";
export { dropoutMask } from "./random";
export { averageInto, deviationArray, klMeanField, klNatural, sampleMeanField } from "./gaussian";
export {
  entropyMeanField,
  meanFieldAccumulate,
  meanFieldFinish,
  meanFieldGradient,
  mixtureGradient,
} from "./meanField";
export { isFiniteArray, sumSquares } from "./norm";
export { rowLevels, rowSquares, scaleRows } from "./rows";
export { sgdStep } from "./sgd";
export { dynamicStep } from "./dynamic";
export { adamStep } from "./adam";
export { accumulateParticle, anchorGradient, ivonStep } from "./ivon";
export { gemm, gemmPair, packedSize } from "./gemm";
export { packColumns, packRows } from "./packing";
export { multiplyAddPeak, peakOperations } from "./peak";
export { addRows, scatterAddRows, sumRows } from "./embedding";
export { attendBackward, attendKeysBackward, tanhBackward } from "./attention";
export { gruBackward } from "./gru";
export { lstmBackward } from "./lstm";
export { keepRows } from "./dropout";
export { crossEntropy, scoreRows } from "./softmax";
export { widen } from "./tile";
