/** Hands what `work` gives, or what it throws, to the server that the page came from. */
export async function report(work) {
  const result = await work().catch(({ name, code, message }) => ({ error: { name, code, message } }));
  await fetch("/result", { method: "POST", body: JSON.stringify(result) });
}

/** The same work here and in a worker; what both give, or an error where they differ. */
export async function twice(work, connect) {
  const here = await work();
  const there = await connect();
  const inWorker = await work(there);
  there.terminate();
  if (JSON.stringify(here) !== JSON.stringify(inWorker))
    throw new Error(`The worker gives ${JSON.stringify(inWorker)}, not ${JSON.stringify(here)}`);
  return here;
}
