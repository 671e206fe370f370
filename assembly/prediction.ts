// What loading, scoring, sessions and generation call: the kernels that the core of the package brings. Products are of
// floats alone; assembly/training.ts has all others.
// Named, since the inlined helpers beside them would be compiled a second time.

// @ts-ignore: decorator
@global
const FLOAT32_ALONE: bool = true;

export { heapBase } from "./heap";
export { exp64, expArray, log64, logArray, tanhArray } from "./elementary";
export { normalArray, philoxWords, uniformArray } from "./random";
export { axpby, copyBytes, fillZero, sampleNatural } from "./gaussian";
export { gemm, gemmPair, gemmScratchSize, packedSize } from "./gemm";
export { packRows } from "./packing";
export { gatherRows } from "./embedding";
export { attend } from "./attention";
export { gruForward } from "./gru";
export { lstmForward } from "./lstm";
export { maskRows } from "./dropout";
export { addEntropy, addProbabilities, placeCluster, probabilities } from "./softmax";
export { packVector, timesVector } from "./predict";
export { quantizedSize, quantizedVectorSize, quantizeRows, quantizeVector, timesQuantized } from "./quantized";
export { addSigned, signArray } from "./flipout";
export { widen } from "./tile";
