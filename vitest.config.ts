import { defineConfig } from "vitest/config";

/** Train, start processes or read large files: left to `npm test`. All others are `npm run test:unit`. */
const SLOW = [
  "test/{cli,examples,hashes,oracle,prediction,runtimes,threads,training,translation,worker}/**/*.test.ts",
  "test/conformance.test.ts",
  "test/docs/examples.test.ts",
  "test/formats/{fuzz,lstm,python}.test.ts",
  "test/inference/conjugate.test.ts",
  "test/kernels/{gemm,gemm16,random,relaxed}.test.ts",
  "test/metrics/{bootstrap,sclite}.test.ts",
  "test/model/{adaptive,attention,network,slices}.test.ts",
  "test/text/large.test.ts",
];

export default defineConfig({
  test: {
    setupFiles: ["test/setup.ts"],
    projects: [
      { extends: true, test: { name: "unit", include: ["test/**/*.test.ts"], exclude: SLOW } },
      { extends: true, test: { name: "slow", include: SLOW } },
    ],
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
