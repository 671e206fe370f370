// Without it Nitro reads a .wasm as JavaScript.
export default { compatibilityDate: "2026-01-01", experimental: { wasm: true } };
