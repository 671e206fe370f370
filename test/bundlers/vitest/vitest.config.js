// Of its own: vitest would find one of a folder above.
export default { test: { environment: "jsdom" } };
