/**
 * What the numbers of a kernel's signature are. scripts/build-kernels.mjs makes TypeScript of them: `usize` is an
 * address in bytes, `Count` a number of elements, rows or bytes; mixing them up is a type error there.
 */
export type Count = usize;
/** What products are made of: 0 for floats, 1 for integers of 16 bits with a scale for every row and column. */
export type Form = i32;

/** Whether products are to be of int16, where they exist in both forms: a module for one form is built without the other. */
// @ts-ignore: decorator
@inline
export function isInt16(form: Form): bool {
  if (isDefined(FLOAT32_ALONE)) return false;
  if (isDefined(INT16_ALONE)) return true;
  return form != 0;
}
