// edge-runtime: the same, as the script that it takes.
import worker from "./worker.mjs";

addEventListener("fetch", (event) => event.respondWith(worker.fetch()));
