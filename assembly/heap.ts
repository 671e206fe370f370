/** First byte that no static data occupies. */
export function heapBase(): usize {
  return __heap_base;
}
