// All kernels in one binary, for hosts that import it and for threads: every kernel takes pointers and sizes and returns numbers.
// Named, since the inlined helpers beside them would be compiled a second time.
export {
  cos64,
  cosTurnArray,
  exp64,
  expArray,
  log64,
  logArray,
  sigmoidArray,
  sinTurnArray,
  softplusArray,
  tanhArray,
} from "./elementary";
export { dropoutMask, normalArray, philoxWords, uniformArray } from "./random";
export {
  averageInto,
  axpby,
  copyBytes,
  deviationArray,
  fillZero,
  klMeanField,
  klNatural,
  precisionArray,
  sampleMeanField,
  sampleNatural,
} from "./gaussian";
export * from "./meanField";
export { isFiniteArray, maxAbs, sumSquares } from "./norm";
export * from "./rows";
export * from "./sgd";
export * from "./dynamic";
export * from "./adam";
export * from "./ivon";
export {
  blockDepth,
  gemm,
  gemmPair,
  gemmScratchSize,
  packedSize,
  panelColumns,
} from "./gemm";
export { packColumns, packRows } from "./packing";
export * from "./peak";
export * from "./gemv";
export * from "./embedding";
export { attend, attendBackward, attendKeysBackward, tanhBackward } from "./attention";
export * from "./gru";
export * from "./lstm";
export * from "./dropout";
export * from "./softmax";
export * from "./predict";
export * from "./quantized";
export * from "./flipout";
export { heapBase } from "./heap";
export { widen } from "./tile";
