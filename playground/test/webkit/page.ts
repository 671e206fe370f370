/** @module A window of WebKit with those methods of Puppeteer's pages that the tests use. */
import { setTimeout as wait } from "node:timers/promises";
import type { Page } from "puppeteer-core";
import type { Reference, Session } from "./driver.ts";

// biome-ignore lint/suspicious/noExplicitAny: functions of the page, whose types Puppeteer's declaration has.
type InPage = (...args: any[]) => unknown;

interface Waiting {
  readonly timeout?: number;
  readonly visible?: boolean;
  readonly polling?: number;
}

/** Code points that WebDriver has for keys without a character. */
const KEYS: Readonly<Record<string, string>> = {
  ArrowLeft: "\uE012",
  ArrowRight: "\uE014",
  Enter: "\uE007",
  Tab: "\uE004",
};

const PATIENCE = 60_000;

/** @returns what the tests take for a page: what is missing of one fails when it is called */
export function pageOf(session: Session, slower: number): Page {
  return new WebKitPage(session, slower) as unknown as Page;
}

class WebKitPage {
  readonly #session: Session;
  readonly #slower: number;
  readonly keyboard: { press(key: string): Promise<unknown> };

  constructor(session: Session, slower: number) {
    this.#session = session;
    this.#slower = slower;
    this.keyboard = { press: (key) => session.keys([KEYS[key] ?? key]) };
  }

  goto(url: string): Promise<unknown> {
    return this.#session.go(url);
  }

  reload(): Promise<unknown> {
    return this.#session.reload();
  }

  title(): Promise<string> {
    return this.#session.title();
  }

  evaluate(code: InPage | string, ...args: unknown[]): Promise<unknown> {
    if (typeof code === "string") return this.#session.run(`${code}; return null;`, []);
    return this.#session.run(`return (${code})(...arguments);`, args);
  }

  async $(selector: string): Promise<WebKitElement | null> {
    const found = await this.#session.run<Reference | null>("return document.querySelector(arguments[0]);", [
      selector,
    ]);
    return found && new WebKitElement(this.#session, found);
  }

  async $$(selector: string): Promise<WebKitElement[]> {
    const found = await this.#session.run<Reference[]>(
      "return [...document.querySelectorAll(arguments[0])];",
      [selector],
    );
    return found.map((one) => new WebKitElement(this.#session, one));
  }

  async $eval(selector: string, code: InPage, ...args: unknown[]): Promise<unknown> {
    const script = `const [selector, ...rest] = arguments; return (${code})(document.querySelector(selector), ...rest);`;
    return this.#session.run(script, [selector, ...args]);
  }

  async $$eval(selector: string, code: InPage, ...args: unknown[]): Promise<unknown> {
    const script = `const [selector, ...rest] = arguments; return (${code})([...document.querySelectorAll(selector)], ...rest);`;
    return this.#session.run(script, [selector, ...args]);
  }

  async waitForFunction(code: InPage, options: Waiting = {}, ...args: unknown[]): Promise<void> {
    const end = Date.now() + (options.timeout ?? PATIENCE) * this.#slower;
    while (!(await this.evaluate(code, ...args))) {
      if (Date.now() > end) throw new Error(`Waited in vain for ${code} of ${JSON.stringify(args)}`);
      await wait(options.polling ?? 100);
    }
  }

  async waitForSelector(selector: string, { visible, timeout }: Waiting = {}): Promise<WebKitElement | null> {
    const there = (wanted: string, seen: boolean) => {
      const found = document.querySelector(wanted);
      return found !== null && (!seen || found.getClientRects().length > 0);
    };
    await this.waitForFunction(there, { timeout }, selector, visible === true);
    return this.$(selector);
  }

  focus(selector: string): Promise<unknown> {
    return this.$eval(selector, (element: HTMLElement) => element.focus());
  }

  async type(selector: string, text: string): Promise<void> {
    await (await this.$(selector))!.type(text);
  }
}

class WebKitElement {
  readonly #session: Session;
  readonly #element: Reference;

  constructor(session: Session, element: Reference) {
    this.#session = session;
    this.#element = element;
  }

  click(): Promise<unknown> {
    return this.#session.click(this.#element);
  }

  type(text: string): Promise<unknown> {
    return this.#session.type(this.#element, text);
  }

  uploadFile(path: string): Promise<unknown> {
    return this.#session.type(this.#element, path);
  }

  evaluate(code: InPage): Promise<unknown> {
    return this.#session.run(`return (${code})(...arguments);`, [this.#element]);
  }
}
