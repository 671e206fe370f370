// Writes docs/reference/, a page for each entry point of package.json, from the docstrings.
//   npm run docs
import { readFileSync } from "node:fs";
import { Application, Comment } from "typedoc";

const { exports } = JSON.parse(readFileSync("package.json", "utf8"));
/** The source of each entry point, with the name that it is imported by. */
const modules = new Map(
  Object.entries(exports)
    .filter(([, target]) => target.types?.endsWith(".d.ts") && target.default.endsWith(".js"))
    .map(([subpath, { types }]) => [
      types.replace("./dist/", "src/").replace(/\.d\.ts$/, ".ts"),
      subpath.replace(".", "svi-lm"),
    ]),
);

const app = await Application.bootstrapWithPlugins({
  options: "typedoc.json",
  entryPoints: [...modules.keys()],
});
const project = await app.convert();
if (!project) process.exit(1);
// A file's `@module` comment says what it holds. Typedoc takes it for its name where it is one line, and drops it elsewhere.
for (const module of project.children) {
  const file = project.getSymbolIdFromReflection(module).packagePath;
  const [, comment] = /@module ([\s\S]*?)\*\//.exec(readFileSync(file, "utf8"));
  module.comment = new Comment([{ kind: "text", text: comment.replace(/\s*\n \*\s?/g, " ").trim() }]);
  module.name = modules.get(file);
}
app.validate(project);
if (!app.logger.hasErrors() && !app.logger.hasWarnings()) await app.generateOutputs(project);
process.exitCode = app.logger.hasErrors() || app.logger.hasWarnings() ? 1 : 0;
