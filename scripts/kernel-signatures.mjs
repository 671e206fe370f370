// What src/ knows of the kernels, read from their declarations in assembly/: types, and the order of the arguments.
import { readFile } from "node:fs/promises";
import ts from "typescript";

/** Of AssemblyScript's types; `Count` and `Form` are aliases in assembly/types.ts. */
const TYPES = new Map([
  ["usize", "Address"],
  ["bool", "boolean"],
  ["void", "void"],
  ...["Count", "Form", "i32", "u32", "f32", "f64"].map((type) => [type, "number"]),
]);

/** @returns per exported name its parameters, result and comment; @throws where a name is declared twice or never */
export async function readSignatures(files, names) {
  const found = new Map();
  for (const file of files) {
    const source = ts.createSourceFile(file, await readFile(file, "utf8"), ts.ScriptTarget.Latest, true);
    for (const node of source.statements) {
      if (!ts.isFunctionDeclaration(node) || !names.includes(node.name.text)) continue;
      if (!node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) continue;
      if (found.has(node.name.text)) throw new Error(`Two files export ${node.name.text}`);
      const parameters = node.parameters.map((p) => [p.name.text, typeOf(p.type, node.name.text)]);
      found.set(node.name.text, { parameters, result: typeOf(node.type, node.name.text) });
    }
  }
  const missing = names.filter((name) => !found.has(name));
  if (missing.length > 0) throw new Error(`No declaration of ${missing.join(", ")} was found`);
  return new Map(names.map((name) => [name, found.get(name)]));
}

function typeOf(node, name) {
  const type = TYPES.get(node.getText());
  if (!type) throw new Error(`${name} has a type that signatures do not have: ${node.getText()}`);
  return type;
}

/** src/kernels/generated/signatures.ts. */
export function signaturesSource(signatures) {
  const list = [...signatures];
  const named = list.map(
    ([name, { parameters }]) =>
      `  ${name}: {${parameters.map(([p, type]) => ` readonly ${p}: ${type};`).join("")} };`,
  );
  const positional = list.map(
    ([name, { parameters, result }]) =>
      `  ${name}(${parameters.map(([p, type]) => `${p}: ${type === "boolean" ? "number" : type}`).join(", ")}): ${result};`,
  );
  return `import type { Address } from "../address.ts";

/** The arguments of every kernel by name. What they mean stands in assembly/. */
export interface Signatures {
${named.join("\n")}
}

/** The kernels as WebAssembly exports them. */
export interface KernelExports {
  readonly memory: WebAssembly.Memory;
${positional.join("\n")}
}
`;
}

/** src/kernels/generated/arguments.ts. */
export function argumentsSource(signatures) {
  const list = [...signatures].map(
    ([name, { parameters }]) => `export const ${name}: string = "${parameters.map(([p]) => p).join(" ")}";`,
  );
  return `/** @module The names of every kernel's arguments in their order; bundlers drop those that nothing asks for. */
${list.join("\n")}
`;
}
