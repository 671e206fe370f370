/** @module Child processes: what they print, and an end to those that hang. */
import { spawn } from "node:child_process";

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  /** What went wrong, or null. */
  readonly problem: string | null;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
  /** Seconds; 120 by default. */
  readonly limit?: number;
}

export const npm = process.platform === "win32" ? "npm.cmd" : "npm";

/** Time that a process has to end itself, and what it started, once it is told to. */
const GRACE = 5000;

/** Runs a command to its end, or to its time limit. Never rejects. */
export function run(command: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const { cwd, env, limit = 120 } = options;
  return new Promise((resolve) => {
    const [file, ...args] = command;
    const child = spawn(file, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that nothing it started outlives it.
      detached: true,
    });
    let [stdout, stderr] = ["", ""];
    let late = false;
    child.stdout.setEncoding("utf8").on("data", (data) => {
      stdout += data;
    });
    child.stderr.setEncoding("utf8").on("data", (data) => {
      stderr += data;
    });
    const signal = (name: NodeJS.Signals) => {
      try {
        process.kill(-child.pid!, name);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
      }
    };
    let killing: NodeJS.Timeout | undefined;
    const ending = setTimeout(() => {
      late = true;
      signal("SIGTERM");
      killing = setTimeout(() => signal("SIGKILL"), GRACE);
    }, limit * 1000);
    // On Ctrl-C: a group of its own hears nothing of it.
    const abandon = () => signal("SIGTERM");
    process.on("exit", abandon);
    const finish = (problem: string | null) => {
      process.off("exit", abandon);
      clearTimeout(ending);
      clearTimeout(killing);
      resolve({ stdout, stderr, problem });
    };
    child.on("error", (error) => finish(error.message));
    child.on("close", (code, by) => {
      if (late) finish(`not done after ${limit} s`);
      else finish(code === 0 ? null : `exit ${code ?? by}`);
    });
  });
}

/** What a command printed. @throws where it fails, with what it said */
export async function output(command: readonly string[], options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, problem } = await run(command, options);
  if (problem !== null) throw new Error(`${command.join(" ")}: ${problem}\n${stdout}${stderr}`);
  return stdout;
}
