/**
 * Training and prediction give the bits that they gave when these were written down: no rearrangement of the code may
 * change one. `node scripts/run.mjs test/hashes/print.ts` prints them anew, for a change that is meant to.
 */
import { describe, expect, test, vi } from "vitest";
import * as lib from "../../src/entries/index.ts";
import { ask, casesOf, train } from "./cases.ts";
import golden from "./golden.json" with { type: "json" };

vi.setConfig({ testTimeout: 60_000 });

const asked = golden.predictions as Record<string, Record<string, string>>;
const trained = golden.training as Record<string, string>;

describe.each(casesOf(lib))("$shape, $method, $products", (one) => {
  const name = `${one.shape}, ${one.method}, ${one.products}`;

  test("trains to the same bits", async () => {
    const { model, corpus, found } = await train(lib, one);
    expect(found).toBe(trained[name]);
    if (asked[name]) expect(await ask(lib, model, corpus)).toEqual(asked[name]);
  });
});

test("no case was forgotten", () => {
  expect(casesOf(lib).map(({ shape, method, products }) => `${shape}, ${method}, ${products}`)).toEqual(
    Object.keys(trained),
  );
});
