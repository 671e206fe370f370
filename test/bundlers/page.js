/** Hands what `work` gives, or what it throws, to whoever opened the page. */
export async function report(work) {
  const result = await work().catch(({ name, code, message }) => ({ error: { name, code, message } }));
  const to = new URLSearchParams(location.search).get("report") ?? "/result";
  await fetch(to, { method: "POST", mode: "no-cors", body: JSON.stringify(result) });
}

/** The same work here, in a worker and, where there is shared memory, on threads; an error where they differ. */
export async function everywhere(work, connect, threads) {
  const here = await work();
  const there = await connect();
  same("The worker", await work(there), here);
  there.terminate();
  if (!threads || !globalThis.crossOriginIsolated) return here;
  const kernels = await threads();
  same("A run on threads", await work(undefined, kernels), here);
  await kernels.dispose();
  return here;
}

function same(who, result, here) {
  if (JSON.stringify(result) !== JSON.stringify(here))
    throw new Error(`${who} gives ${JSON.stringify(result)}, not ${JSON.stringify(here)}`);
}
