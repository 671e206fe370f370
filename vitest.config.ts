import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    setupFiles: ["test/setup.ts"],
    include: ["test/**/*.test.ts"],
    coverage: {
      provider: "v8",
      include: ["src/**/*.ts"],
      exclude: ["src/kernels/generated/**"],
      reporter: ["json"],
      reportsDirectory: "coverage",
      clean: false,
      reportOnFailure: true,
    },
  },
});
