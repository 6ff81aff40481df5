import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** The command that people run. */
const BIN = join(import.meta.dirname, "../../../presets/mediatap/bin/mediatap.js");

/** Packages by their addresses, for configurations outside of the repository. */
export const addressOf = (name: string) =>
  JSON.stringify(pathToFileURL(join(import.meta.dirname, `../../${name}/src/index.ts`)).href);

export interface Started {
  readonly output: { out: string; err: string };
  kill(signal: NodeJS.Signals): void;
  /** Resolves once it has printed that. */
  printed(text: string): Promise<void>;
  /** Resolves with its exit code. */
  readonly ended: Promise<number | null>;
}

/** Starts `mediatap …`. `input`: of the standard input. */
export function begin(args: readonly string[], { input = "" } = {}): Started {
  const child: ChildProcess = spawn(process.execPath, [BIN, ...args], { stdio: ["pipe", "pipe", "pipe"] });
  child.stdin?.end(input);
  const output = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output.err += text;
  });
  let isOver = false;
  const ended = once(child, "close").then(([code]) => {
    isOver = true;
    return code as number | null;
  });
  return {
    output,
    kill: (signal) => child.kill(signal),
    ended,
    async printed(text) {
      while (!output.out.includes(text)) {
        if (isOver) throw new Error(`it ended: ${output.err}${output.out}`);
        await Promise.race([once(child.stdout as NodeJS.ReadableStream, "data"), ended]);
      }
    },
  };
}
