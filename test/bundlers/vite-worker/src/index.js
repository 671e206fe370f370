import { threads } from "svi-lm/threads";
import { connect } from "svi-lm/worker";
import { job } from "./job.js";
import { everywhere, report } from "./page.js";

report(async () => {
  const here = await everywhere(job, connect, () => threads({ count: 2 }));
  const own = new Worker(new URL("./own.js", import.meta.url), { type: "module" });
  const there = await new Promise((resolve, reject) => {
    own.onmessage = ({ data }) => resolve(data);
    own.onerror = (e) => reject(new Error(e.message));
    own.postMessage(null);
  });
  if (JSON.stringify(there) !== JSON.stringify(here)) throw new Error(JSON.stringify(there));
  return here;
});
