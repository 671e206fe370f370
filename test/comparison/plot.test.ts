/** Plots as SVG text: where points lie, what is escaped, what stands alone. */
import { describe, expect, test } from "vitest";
import { plot, standalone, ticks } from "../../src/comparison/plot.ts";

const OPTIONS = { title: "Loss", xLabel: "tokens", yLabel: "nats" };
const pointsOf = (svg: string) => /points="([^"]*)"/.exec(svg)![1].split(" ");

describe("ticks", () => {
  test.each([
    [0, 10, [0, 2, 4, 6, 8, 10]],
    [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0.31, 0.42, [0.325, 0.35, 0.375, 0.4]],
    [-3, 9000, [0, 2000, 4000, 6000, 8000]],
  ])("from %d to %d are round numbers within the range", (low, high, expected) => {
    expect(ticks(low, high)).toEqual(expected);
  });
});

describe("a plot", () => {
  test("spans its box from the lowest to the highest point, y upwards", () => {
    const line = {
      name: "a",
      colour: "red",
      points: [
        [0, 0],
        [10, 1],
      ] as const,
    };
    const [first, last] = pointsOf(plot([line], { ...OPTIONS, yRange: [0, 1] })).map((p) =>
      p.split(",").map(Number),
    );
    expect(last[0]).toBeGreaterThan(first[0]);
    expect(last[1]).toBeLessThan(first[1]);
    expect([first[0], last[0]]).toEqual([62, 546]);
    expect([first[1], last[1]]).toEqual([294, 34]);
  });

  test("leaves out points that are not finite, and draws a line of one point", () => {
    const line = {
      name: "a",
      colour: "red",
      points: [
        [1, Number.NaN],
        [2, 3],
        [3, Number.POSITIVE_INFINITY],
      ] as const,
    };
    const svg = plot([line], { ...OPTIONS, dots: true });
    expect(pointsOf(svg)).toHaveLength(1);
    expect(svg.match(/<circle/g)).toHaveLength(1);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  test("escapes every text that it is given", () => {
    const hostile = '<script>&"';
    const line = {
      name: hostile,
      colour: "red",
      points: [
        [0, 0],
        [1, 1],
      ] as const,
    };
    const svg = plot([line], {
      title: hostile,
      xLabel: hostile,
      yLabel: hostile,
      level: { y: 0.5, name: hostile },
    });
    expect(svg).not.toContain("<script>");
    expect(svg.match(/&lt;script&gt;&amp;&quot;/g)).toHaveLength(6);
  });

  test("as a file of its own is an SVG element with its size and its style", () => {
    const svg = standalone(
      plot(
        [
          {
            name: "a",
            colour: "red",
            dashed: true,
            points: [
              [0, 0],
              [1, 1],
            ],
          },
        ],
        OPTIONS,
      ),
    );
    expect(svg).toMatch(
      /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="560" height="340" [^>]*><style>/,
    );
    expect(svg).toMatch(/<\/svg>\n$/);
    expect(svg).toContain('stroke-dasharray="5 4"');
    expect(svg).not.toContain("figure");
  });
});
