/** Hands what `work` gives, or what it throws, to the server that the page came from. */
export async function report(work) {
  const result = await work().catch(({ name, code, message }) => ({ error: { name, code, message } }));
  await fetch("/result", { method: "POST", body: JSON.stringify(result) });
}
