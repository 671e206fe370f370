/** @module What the page is about in one drawing: one number, and a distribution with some of its draws. */
import { path, shape } from "../../charts/svg.ts";

const [WIDTH, HEIGHT, BASE] = [320, 170, 150];
const [MIDDLE, SPREAD, TALL] = [160, 48, 128];
/** Standard normal quantiles of equal parts: where draws are, many in the middle and few outside. */
const DRAWS = [-1.64, -1.04, -0.67, -0.39, -0.13, 0.13, 0.39, 0.67, 1.04, 1.64];
/** How far the single number lies beside the middle, in the bell's widths. */
const POINT = 0.55;

const at = (z: number) => MIDDLE + z * SPREAD;
const height = (z: number) => BASE - TALL * Math.exp((-z * z) / 2);

export function bell(): SVGElement {
  const curve = Array.from({ length: 81 }, (_, i) => i / 13 - 40 / 13).map(
    (z) => [at(z), height(z)] as const,
  );
  const draws = DRAWS.map((z) =>
    path(
      [
        [at(z), BASE],
        [at(z), height(z)],
      ],
      { class: "draw" },
    ),
  );
  const point = path(
    [
      [at(POINT), BASE],
      [at(POINT), 8],
    ],
    { class: "point" },
  );
  const axis = path(
    [
      [8, BASE],
      [WIDTH - 8, BASE],
    ],
    { class: "axis" },
  );
  return shape(
    "svg",
    { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "hero-bell", "aria-hidden": "true" },
    axis,
    ...draws,
    path(curve, { class: "curve" }),
    point,
  );
}
