/** @module The worker of a page's examples, as the page sees it. */
import type { News, Wish } from "./protocol.ts";

export interface Listener {
  printed(block: number, text: string): void;
  /** A block ended. */
  ended(block: number): void;
  failed(block: number, trouble: { readonly problem: string; readonly remedy: string }): void;
}

/** A program that is run up to a block, then perhaps further: what earlier blocks made is still there. */
export class Runner {
  readonly program: string;
  readonly #listener: Listener;
  readonly #worker: Worker;
  /** Blocks that have ended. */
  done = 0;
  until = -1;

  constructor(program: string, listener: Listener) {
    this.program = program;
    this.#listener = listener;
    this.#worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module", name: "examples" });
    this.#worker.onmessage = ({ data }: MessageEvent<News>) => this.#hear(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#fail({ problem: "The examples could not be loaded", remedy: "Connect, and run it again" });
    };
  }

  run(until: number): void {
    this.until = until;
    this.#worker.postMessage({ program: this.program, until, site: document.baseURI } satisfies Wish);
  }

  end(): void {
    this.#worker.terminate();
  }

  #hear(news: News): void {
    if ("printed" in news) this.#listener.printed(news.block, news.printed);
    else if ("reached" in news) this.#ended(news.reached);
    else if ("ended" in news) this.#ended(this.until + 1);
    else this.#listener.failed(news.block, news);
  }

  #ended(blocks: number): void {
    while (this.done < blocks) this.#listener.ended(this.done++);
  }

  #fail(trouble: { problem: string; remedy: string }): void {
    this.#listener.failed(this.done, trouble);
  }
}
