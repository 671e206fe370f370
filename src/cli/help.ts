/** @module Help, written from the tables of the commands. */
import { COMMON, type Command, type Option, type Options, wordUsage } from "./command.ts";
import { columns } from "./print.ts";

export function programHelp(commands: readonly Command[], version: string): string {
  return `svi-lm ${version}: Bayesian LSTM language models, trained by stochastic variational inference

Usage: svi-lm <command> [options]

${columns(commands.map(({ name, summary }) => [name, summary]))}

  --help     help, also for each command: svi-lm train --help
  --version  the version

Exit code: 0 done, 1 failed, 2 wrong usage, 130 Ctrl-C, 143 SIGTERM, 129 a closed terminal.

Example: ${commands[0].example}
`;
}

/** Of commands whose names have the first word in common. */
export function groupHelp(name: string, commands: readonly Command[]): string {
  return `svi-lm ${name} is followed by one of its commands

${columns(commands.map(({ name, summary }) => [name, summary]))}

  --help  help, also for each command: svi-lm ${commands[0].name} --help

Example: ${commands[0].example}
`;
}

export function commandHelp({ name, summary, words, options, example }: Command): string {
  const table: Options = { ...options, ...COMMON };
  const rows = Object.entries(table).map(([option, described]) => [
    `--${option}${valueUsage(described)}`,
    described.help + (described.default === undefined ? "" : ` (default ${described.default})`),
  ]);
  return `svi-lm ${name}: ${summary}

Usage: svi-lm ${[name, ...words.map(wordUsage)].join(" ")} [options]

${columns(rows)}

Example: ${example}
`;
}

function valueUsage(option: Option): string {
  if (option.kind === "flag") return "";
  if (option.kind === "choice") return ` ${option.choices.join("|")}`;
  return ` ${option.value ?? "N"}`;
}
