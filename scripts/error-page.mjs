// Writes docs/guide/errors.md from the one list of codes, src/errorCodes.ts.
//   node scripts/error-page.mjs
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ["src/errorCodes.ts"],
  bundle: true,
  format: "esm",
  write: false,
});
const { ERROR_CODES } = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`
);
const rows = Object.entries(ERROR_CODES).map(
  ([code, { meaning, remedy }]) => `| \`${code}\` | ${meaning} | ${remedy} |`,
);
writeFileSync(
  new URL("../docs/guide/errors.md", import.meta.url),
  `# Errors

Everything that svi-lm throws on purpose is an \`SviError\`, abort reasons aside. Its \`code\` is stable across versions, \`problem\` says what is wrong, \`option\` names the option that it is about, \`value\` is what was found, and \`remedy\` says what to do. Bad input is refused before anything is trained or lost.

\`\`\`ts
import { byteTokenizer, LanguageModel, SviError } from "svi-lm";

try {
  await LanguageModel.create({ tokenizer: byteTokenizer(), hidden: -1 });
} catch (error) {
  if (error instanceof SviError) console.log(error.code, error.message);
}
\`\`\`

\`\`\`text
E_OPTION hidden is -1. …
\`\`\`

| code | what it means | what usually helps |
|---|---|---|
${rows.join("\n")}

On the command line wrong usage has the code \`E_USAGE\`, and exits with 2.
`,
);
