import { defineConfig } from "vitest/config";

/** Train, start processes or read large files: left to `npm test`. All others are `npm run test:unit`. */
const SLOW = [
  "test/{cli,examples,hashes,oracle,prediction,runtimes,threads,training,translation}/**/*.test.ts",
  "test/conformance.test.ts",
  "test/{entries,network,reactive}.test.ts",
  "test/comparison/run.test.ts",
  "test/distributed/{cluster,federated,objects,sharded,silent,texts,unmerged}.test.ts",
  "test/docs/examples.test.ts",
  "test/formats/{fuzz,lstm,python}.test.ts",
  "test/inference/conjugate.test.ts",
  "test/kernels/{gemm,gemm16,random,relaxed}.test.ts",
  "test/metrics/{bootstrap,sclite}.test.ts",
  "test/model/{adaptive,attention,network}.test.ts",
  "test/rescoring/pocketsphinx.test.ts",
  "test/text/large.test.ts",
  "test/worker/{adapt,messages,sessions,translate,worker}.test.ts",
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
