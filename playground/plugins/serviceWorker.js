// Answers from what was kept, and keeps what is fetched. `CONSTANTS` is replaced when the site is built.
const { version, first, later } = "CONSTANTS";
/** Milliseconds between two files that are not needed yet. */
const PAUSE = 50;
const NAME = `svi-lm-${version}`;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches.open(NAME).then(async (cache) => {
      await cache.addAll(first.map((file) => (file === "index.html" ? "./" : file)));
      await self.skipWaiting();
    }),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then(async (names) => {
      const old = names.filter((name) => name.startsWith("svi-lm-") && name !== NAME);
      await Promise.all(old.map((name) => caches.delete(name)));
      await self.clients.claim();
    }),
  );
});

// The page asks for the rest when there is a model: a first visit stays small.
self.addEventListener("message", (event) => {
  if (event.data === "keep the rest") event.waitUntil(keepRest());
});

async function keepRest() {
  const cache = await caches.open(NAME);
  for (const file of later) {
    if (await cache.match(file)) continue;
    // One that fails now is fetched when it is asked for.
    await cache.add(file).catch(() => {});
    // Two models are being trained meanwhile.
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET" || new URL(request.url).origin !== self.location.origin) return;
  event.respondWith(answer(request));
});

async function answer(request) {
  const cache = await caches.open(NAME);
  const kept = await cache.match(request, { ignoreSearch: request.mode === "navigate" });
  if (kept) return kept;
  const response = await fetch(request);
  if (response.ok && response.status === 200) await cache.put(request, response.clone());
  return response;
}
