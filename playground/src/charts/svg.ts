/** @module Shapes of pictures. */

const NAMESPACE = "http://www.w3.org/2000/svg";

type Attributes = Readonly<Record<string, string | number>>;

export function shape(tag: string, attributes: Attributes, ...children: (SVGElement | string)[]): SVGElement {
  const element = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
  element.append(...children);
  return element;
}

/** A picture that says in words what it shows. */
export function picture(width: number, height: number, said: string, ...children: SVGElement[]): SVGElement {
  return shape(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": said, class: "picture" },
    ...children,
  );
}

export function path(points: readonly (readonly [number, number])[], attributes: Attributes): SVGElement {
  const d = points.map(([x, y], i) => `${i === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`).join("");
  return shape("path", { d, fill: "none", ...attributes });
}

export const label = (x: number, y: number, text: string, attributes: Attributes = {}): SVGElement =>
  shape("text", { x, y, ...attributes }, text);
