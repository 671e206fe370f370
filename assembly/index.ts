// The only exports: every kernel takes pointers and sizes and returns numbers.
export * from "./elementary";

export function heapBase(): usize {
  return __heap_base;
}
