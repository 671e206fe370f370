import { Component, provideZonelessChangeDetection } from "@angular/core";
import { bootstrapApplication } from "@angular/platform-browser";
import { threads } from "svi-lm/threads";
import { connect } from "svi-lm/worker";
import { job } from "./job.js";
import { everywhere, report } from "./page.js";

// Angular makes workers of the app's own files alone: each imports one of the package's.
@Component({ selector: "app-root", template: "svi-lm" })
class App {
  constructor() {
    report(() =>
      everywhere(
        job,
        () => connect(new Worker(new URL("./model.worker", import.meta.url), { type: "module" })),
        () =>
          threads({
            count: 2,
            worker: () => new Worker(new URL("./threads.worker", import.meta.url), { type: "module" }),
          }),
      ),
    );
  }
}

bootstrapApplication(App, { providers: [provideZonelessChangeDetection()] });
