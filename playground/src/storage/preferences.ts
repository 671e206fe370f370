/** @module Small choices that a browser remembers, where it may. */

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`svi-lm ${name}`);
  } catch {
    // A page that may keep nothing starts as new each time.
    return null;
  }
}

export function remember(name: string, value: string): void {
  try {
    localStorage.setItem(`svi-lm ${name}`, value);
  } catch {
    // As above.
  }
}
