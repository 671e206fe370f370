/** @module Elements from one expression. */

type Child = Node | string | number | null | undefined | false | readonly Child[];
type Handlers = { readonly [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
interface Properties {
  readonly on?: Handlers;
  readonly [attribute: string]: string | number | boolean | null | undefined | Handlers;
}

/** An element with attributes (true is an empty one, false and null are none), listeners and children. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Properties = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "on" && typeof value === "object" && value !== null) {
      for (const [type, handler] of Object.entries(value))
        element.addEventListener(type, handler as unknown as EventListener);
    } else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value === true ? "" : String(value));
  }
  append(element, children);
  return element;
}

function append(parent: Node, children: readonly Child[]): void {
  for (const child of children) {
    if (Array.isArray(child)) append(parent, child);
    else if (child instanceof Node) parent.appendChild(child);
    else if (typeof child === "string" || typeof child === "number")
      parent.appendChild(document.createTextNode(String(child)));
  }
}

/** Puts other children in the place of those that an element has. */
export function replace(element: Element, ...children: Child[]): void {
  element.replaceChildren();
  append(element, children);
}

/** Gives an element a text, where it has another: the same text again would be laid out again. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Scrolls to an element that the press of a button brought, where it is not seen. */
export function bring(element: Element, block: "start" | "nearest" = "nearest"): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  element.scrollIntoView({ behavior: still ? "auto" : "smooth", block });
}

let labels = 0;

/** An id that no other element of the page has. */
export function uniqueId(kind: string): string {
  return `${kind}-${++labels}`;
}
