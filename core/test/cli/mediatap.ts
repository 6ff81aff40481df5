import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** The command that people run. */
export const BIN = join(import.meta.dirname, "../../../presets/mediatap/bin/mediatap.js");

export interface Place {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A program that becomes the command, with its arguments: `prlimit`. @default none */
  readonly by?: readonly string[];
}

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs `mediatap` to its end. */
export async function mediatap(args: readonly string[], place: Place = {}): Promise<Ended> {
  const { child, output } = begin(args, place);
  const [code] = (await once(child, "close")) as [number | null];
  return { code, ...output };
}

export interface Serving {
  readonly port: number;
  readonly pid: number;
  /** All that it has logged. */
  readonly lines: readonly Record<string, unknown>[];
  kill(signal: NodeJS.Signals): void;
  /** Resolves when it has ended. */
  readonly ended: Promise<Ended>;
}

/** Starts `mediatap serve …` on a free port and waits until it listens. */
export async function serving(args: readonly string[], place: Place = {}): Promise<Serving> {
  const { child, output } = begin(["serve", "--port", "0", "--host", "127.0.0.1", ...args], place);
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, ...output }));
  let gone = false;
  ended.then(() => {
    gone = true;
  });
  while (!/listens on/.test(output.out)) {
    if (gone) throw new Error(`it ended: ${output.err}${output.out}`);
    await Promise.race([once(child.stdout as NodeJS.ReadableStream, "data"), ended]);
  }
  return {
    pid: Number(child.pid),
    port: Number(/listens on http:\/\/[^:]+:(\d+)/.exec(output.out)?.[1]),
    get lines() {
      return output.out
        .split("\n")
        .filter(Boolean)
        .map((line) => JSON.parse(line));
    },
    kill: (signal) => child.kill(signal),
    ended,
  };
}

function begin(args: readonly string[], { cwd, env, by = [] }: Place) {
  const { PORT: _, HOST: __, ...inherited } = process.env;
  const [program = process.execPath, ...before] = [...by, process.execPath, BIN];
  const child: ChildProcess = spawn(program, [...before, ...args], {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...inherited, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { out: "", err: "" };
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    output.out += text;
  });
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    output.err += text;
  });
  return { child, output };
}
