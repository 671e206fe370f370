/** @module The service worker, by which the page works without a connection after the first visit. */

export function startOffline(status: HTMLElement): void {
  const tell = () => {
    status.textContent = navigator.onLine ? "" : "Offline: what was kept on this device still works.";
  };
  addEventListener("online", tell);
  addEventListener("offline", tell);
  tell();
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  navigator.serviceWorker.register("./sw.js").catch((error: Error) => {
    status.textContent = `This browser keeps nothing for offline use: ${error.message}`;
  });
}

/** Has everything kept for offline use, once it is clear that the page is in use. */
export async function keepTheRest(): Promise<void> {
  if (!import.meta.env.PROD || !("serviceWorker" in navigator)) return;
  const saving = (navigator as { connection?: { saveData?: boolean } }).connection?.saveData;
  const registration = saving ? undefined : await navigator.serviceWorker.getRegistration();
  registration?.active?.postMessage("keep the rest");
}
