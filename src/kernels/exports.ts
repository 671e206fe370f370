/** @module The signatures of the compiled kernels: pointers are byte addresses, counts are elements. */

import type { TwoForms } from "./forms.ts";

type Memory = WebAssembly.Memory;

/** What assembly/index.ts exports. */
export interface KernelExports
  extends ElementaryKernels,
    MatrixKernels,
    WholeMatrixKernels,
    PredictionKernels,
    ParameterKernels {
  readonly memory: Memory;
  /** First byte after static data. */
  heapBase(): number;
}

export interface ElementaryKernels {
  /** Each writes the function of `n` floats at `x` to `out`; `out` may be `x`. */
  expArray(out: number, x: number, n: number): void;
  logArray(out: number, x: number, n: number): void;
  sigmoidArray(out: number, x: number, n: number): void;
  tanhArray(out: number, x: number, n: number): void;
  softplusArray(out: number, x: number, n: number): void;
  /** Of an angle in turns, [0, 1). */
  sinTurnArray(out: number, x: number, n: number): void;
  cosTurnArray(out: number, x: number, n: number): void;
  /** Double precision, for figures that feed back into numbers: `Math.exp` differs between engines. */
  exp64(x: number): number;
  log64(x: number): number;
  /** For 0 <= x <= pi. */
  cos64(x: number): number;
  /** Raw words, and what is made of them; `firstElement` is a multiple of 16, `n` is rounded up to one. */
  philoxWords(
    out: number,
    n: number,
    firstElement: number,
    seedLow: number,
    seedHigh: number,
    step: number,
    stream: number,
    particle: number,
  ): void;
  normalArray(
    out: number,
    n: number,
    firstElement: number,
    seedLow: number,
    seedHigh: number,
    step: number,
    stream: number,
    particle: number,
  ): void;
  uniformArray(
    out: number,
    n: number,
    firstElement: number,
    seedLow: number,
    seedHigh: number,
    step: number,
    stream: number,
    particle: number,
  ): void;
  dropoutMask(
    out: number,
    n: number,
    firstElement: number,
    keep: number,
    seedLow: number,
    seedHigh: number,
    step: number,
    stream: number,
    particle: number,
  ): void;
}

/** Of whole numbers of 16 bits: assembly/packing16.ts. */
export type WholeMatrixKernels = { readonly [N in TwoForms as `${N}16`]: MatrixKernels[N] };

export interface MatrixKernels {
  /** Words of 32 bits; of one column and a block's depth, those of a panel. */
  packedSize(n: number, k: number): number;
  panelColumns(): number;
  /** Depth of a block of packed panels; blocks follow each other, and so do the panels within one. */
  blockDepth(): number;
  gemmScratchSize(): number;
  packColumns(packed: number, b: number, ldb: number, k: number, n: number): void;
  packRows(packed: number, b: number, ldb: number, k: number, n: number): void;
  gemm(
    m: number,
    n: number,
    k: number,
    a: number,
    lda: number,
    transposed: number,
    packedB: number,
    c: number,
    ldc: number,
    accumulate: number,
    scratch: number,
  ): void;
  /** Two products of one transposed A, whose results have the widths `n` and `n2`. */
  gemmPair(
    m: number,
    k: number,
    a: number,
    lda: number,
    n: number,
    packedB: number,
    c: number,
    ldc: number,
    n2: number,
    packedB2: number,
    c2: number,
    ldc2: number,
    scratch: number,
  ): void;
  gemv(n: number, k: number, x: number, packedB: number, y: number, accumulate: number): void;
  /** `n` rounds of `peakOperations()` on two floats at `at`; 16 bytes at `at` + 16 are written. */
  multiplyAddPeak(n: number, at: number): void;
  peakOperations(): number;
  gatherRows(out: number, table: number, ids: number, rows: number, width: number): void;
  scatterAddRows(table: number, rows: number, ids: number, count: number, width: number): void;
  /** The first `width` columns of rows of `stride` floats. */
  scatterAddColumns(
    table: number,
    rows: number,
    ids: number,
    count: number,
    width: number,
    stride: number,
  ): void;
  sumRows(out: number, rows: number, count: number, width: number, stride: number, accumulate: number): void;
  maskRows(out: number, x: number, mask: number, rows: number, batch: number, width: number): void;
  keepRows(out: number, x: number, keep: number, rows: number, width: number): void;
  lstmForward(
    gates: number,
    bias: number,
    cPrev: number,
    c: number,
    h: number,
    batch: number,
    hidden: number,
  ): void;
  lstmBackward(
    gates: number,
    cPrev: number,
    c: number,
    dh: number,
    dc: number,
    batch: number,
    hidden: number,
  ): void;
  /** Several time steps of the first `lanes` lanes; assembly/recurrent.ts. An address of 0 leaves an array away. */
  recurrentForward(
    gates: number,
    bias: number,
    h: number,
    c: number,
    hBefore: number,
    cBefore: number,
    places: number,
    projected: number,
    keep: number,
    packed: number,
    batch: number,
    lanes: number,
    steps: number,
    hidden: number,
    scratch: number,
  ): void;
  recurrentBackward(
    gates: number,
    cBefore: number,
    c: number,
    dh: number,
    dc: number,
    dStep: number,
    keep: number,
    packedBack: number,
    batch: number,
    lanes: number,
    steps: number,
    hidden: number,
    begin: number,
    scratch: number,
  ): void;
  /** Here and in `probabilities`, `bias` is 0 where there is none. */
  crossEntropy(
    logits: number,
    bias: number,
    targets: number,
    nll: number,
    rows: number,
    vocabulary: number,
    stride: number,
    scale: number,
  ): number;
  probabilities(
    logits: number,
    bias: number,
    targets: number,
    nll: number,
    rows: number,
    vocabulary: number,
    stride: number,
  ): void;
  placeCluster(
    out: number,
    outStride: number,
    p: number,
    stride: number,
    factors: number,
    factorStride: number,
    rows: number,
    width: number,
  ): void;
  addProbabilities(sum: number, p: number, count: number, first: number): void;
  addEntropy(entropy: number, p: number, rows: number, stride: number, scale: number, first: number): void;
  scoreRows(out: number, p: number, targets: number, rows: number, stride: number, scale: number): void;
}

/** One vector at a time, assembly/predict.ts, quantized.ts and flipout.ts; `from` is 0 or what is added to. */
export interface PredictionKernels {
  vectorWidth(n: number): number;
  packVector(packed: number, w: number, ldw: number, k: number, n: number): void;
  timesVector(n: number, k: number, x: number, packed: number, from: number, y: number): void;
  readPeak(from: number, bytes: number, at: number): void;
  /** Sizes in bytes. */
  quantizedSize(n: number, k: number): number;
  quantizedVectorSize(k: number): number;
  quantizeRows(packed: number, scales: number, w: number, ldw: number, k: number, n: number): void;
  quantizeVector(out: number, x: number, k: number): void;
  timesQuantized(
    n: number,
    k: number,
    x: number,
    packed: number,
    scales: number,
    from: number,
    y: number,
  ): void;
  signArray(words: number, n: number): void;
  addSigned(y: number, x: number, signs: number, n: number): void;
}

export interface ParameterKernels {
  /** `out` and its padding are written. Sampling: `scale` is noise / sqrt(lambda), respectively the noise alone. */
  sampleNatural(
    theta: number,
    mean: number,
    h: number,
    n: number,
    delta: number,
    scale: number,
    firstElement: number,
    seedLow: number,
    seedHigh: number,
    step: number,
    stream: number,
    particle: number,
  ): void;
  sampleMeanField(
    theta: number,
    mean: number,
    rho: number,
    n: number,
    scale: number,
    firstElement: number,
    seedLow: number,
    seedHigh: number,
    step: number,
    stream: number,
    particle: number,
  ): void;
  /** KL to the prior in nats, summed over `n` weights. */
  klNatural(mean: number, h: number, n: number, delta: number, lambda: number): number;
  klMeanField(mean: number, rho: number, n: number, priorMean: number, priorSd: number): number;
  precisionArray(out: number, h: number, n: number, delta: number, lambda: number): void;
  deviationArray(out: number, rho: number, n: number): void;
  copyBytes(out: number, x: number, bytes: number): void;
  fillZero(out: number, bytes: number): void;
  axpby(out: number, a: number, x: number, b: number, n: number): void;
  averageInto(average: number, x: number, n: number, w: number): void;
  /** Bayes by Backprop; `klWeight` is w / lambda, `clip` scales the gradient of the likelihood. assembly/meanField.ts. */
  meanFieldGradient(
    gMean: number,
    gRho: number,
    theta: number,
    mean: number,
    rho: number,
    n: number,
    klWeight: number,
    priorMean: number,
    priorSd: number,
    clip: number,
  ): void;
  meanFieldGradientMixture(
    gMean: number,
    gRho: number,
    theta: number,
    mean: number,
    rho: number,
    n: number,
    klWeight: number,
    pi: number,
    sd1: number,
    sd2: number,
    clip: number,
  ): number;
  mixtureGradient(
    g: number,
    theta: number,
    n: number,
    klWeight: number,
    pi: number,
    sd1: number,
    sd2: number,
    clip: number,
  ): number;
  entropyMeanField(rho: number, n: number): number;
  meanFieldAccumulate(
    gMeanSum: number,
    gSdSum: number,
    theta: number,
    mean: number,
    rho: number,
    g: number,
    n: number,
    weight: number,
    first: number,
  ): void;
  meanFieldFinish(
    gMean: number,
    gSd: number,
    mean: number,
    rho: number,
    n: number,
    klWeight: number,
    priorMean: number,
    priorSd: number,
    clip: number,
  ): void;
  /** Sums in blocks of 4096 elements; padding is left out. */
  sumSquares(g: number, n: number): number;
  isFiniteArray(x: number, n: number): number;
  maxAbs(x: number, n: number): number;
  /** Of matrices [rows, width]; results and factors are doubles, one a row. assembly/rows.ts. */
  rowSquares(out: number, x: number, rows: number, width: number): void;
  rowLevels(inverses: number, totals: number, x: number, rows: number, width: number, shift: number): void;
  scaleRows(x: number, factors: number, rows: number, width: number, least: number): void;
  /** `scale` is the clip factor, `decay` the pull of a Gaussian prior. */
  sgdStep(
    w: number,
    u: number,
    g: number,
    n: number,
    rate: number,
    momentum: number,
    scale: number,
    decay: number,
  ): void;
  adamStep(
    w: number,
    m: number,
    v: number,
    g: number,
    n: number,
    rate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    correction1: number,
    correction2: number,
    scale: number,
    decay: number,
  ): void;
  /** `price` is 0 for one particle, `g` where there is no gradient. assembly/ivon.ts. */
  ivonStep(
    mean: number,
    h: number,
    u: number,
    theta: number,
    g: number,
    price: number,
    n: number,
    rate: number,
    beta1: number,
    correction: number,
    clip: number,
    retention: number,
    priceScale: number,
    squareScale: number,
    clampScale: number,
    delta: number,
    decay: number,
    maximumStep: number,
  ): void;
  accumulateParticle(
    gSum: number,
    price: number,
    theta: number,
    mean: number,
    g: number,
    n: number,
    weight: number,
    first: number,
  ): void;
}
