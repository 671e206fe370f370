/** @module Help, written from the tables of the commands. */
import { COMMON, type Command, type Option, type Options, wordUsage } from "./command.ts";

/** Below this width a text is not broken any more. */
const NARROWEST = 20;

/** Of the terminal, or as the environment says for what is not one. */
function width(): number {
  const told = process.stdout.columns || Number(process.env.COLUMNS) || Number.POSITIVE_INFINITY;
  return Math.max(NARROWEST, told);
}

/** Names and what they mean: beside each other where there is room, else under each other. */
export function entries(rows: readonly (readonly [name: string, meaning: string])[], most = width()): string {
  const widest = 2 + Math.max(...rows.map(([name]) => name.length));
  const beside = widest + 2 <= most / 2;
  const indent = " ".repeat(beside ? widest + 2 : 6);
  return rows
    .map(([name, meaning]) => {
      const text = wrapped(meaning, most - indent.length).join(`\n${indent}`);
      return beside ? `  ${name.padEnd(widest)}${text}` : `  ${name}\n${indent}${text}`;
    })
    .join("\n");
}

/** Lines of whole words; a word that is longer stays whole. */
export function wrapped(text: string, most = width()): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`;
    if (lines.length > 0 && longer.length <= most) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

const paragraph = (text: string): string => wrapped(text).join("\n");

export function programHelp(commands: readonly Command[], version: string): string {
  return `${paragraph(`svi-lm ${version}: Bayesian LSTM language models, trained by stochastic variational inference`)}

Usage: svi-lm <command> [options]

${entries(commands.map(({ name, summary }) => [name, summary]))}

${entries([
  ["--help", "help, also for each command: svi-lm train --help"],
  ["--version", "the version"],
])}

${paragraph("Exit code: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM, 129 a closed terminal.")}

Example: ${commands[0].example}
`;
}

/** Of commands whose names have the first word in common. */
export function groupHelp(name: string, commands: readonly Command[]): string {
  return `svi-lm ${name} is followed by one of its commands

${entries(commands.map(({ name, summary }) => [name, summary]))}

${entries([["--help", `help, also for each command: svi-lm ${commands[0].name} --help`]])}

Example: ${commands[0].example}
`;
}

export function commandHelp({ name, summary, words, options, example }: Command): string {
  const table: Options = { ...options, ...COMMON };
  const rows = Object.entries(table).map(([option, described]): [string, string] => [
    `--${option}${valueUsage(described)}`,
    described.help + (described.default === undefined ? "" : ` (default ${described.default})`),
  ]);
  return `${paragraph(`svi-lm ${name}: ${summary}`)}

Usage: svi-lm ${[name, ...words.map(wordUsage)].join(" ")} [options]

${entries(rows)}

Example: ${example}
`;
}

function valueUsage(option: Option): string {
  if (option.kind === "flag") return "";
  if (option.kind === "choice") return ` ${option.choices.join("|")}`;
  return ` ${option.value ?? "N"}`;
}
