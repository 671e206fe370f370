/** @module The formats room: safetensors, hashes, whole files as bytes. `file.ts`, Node's own, stays outside. */
export { type BytesSource, type ReadAllOptions, readAll } from "./bytes.ts";
export { littleEndianBytes } from "./endian.ts";
export {
  type Dtype,
  decodeTensor,
  type RangeSource,
  type ReadOptions,
  readSafetensors,
  readSafetensorsHeader,
  type SafetensorsFile,
  type SafetensorsHeader,
  safetensorsChunks,
  type Tensor,
  type TensorEntry,
  toFloat32,
  writeSafetensors,
} from "./safetensors.ts";
export { Sha256, sha256 } from "./sha256.ts";
