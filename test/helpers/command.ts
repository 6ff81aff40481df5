import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { runCli } from "@mediatap/core/server";

export interface CommandOptions {
  /** The program, as JavaScript. */
  readonly bin: string;
  /** The folder in which it runs. */
  readonly cwd: string;
  /** @default this process's own */
  readonly env?: NodeJS.ProcessEnv;
}

/** The command as people run it. */
export interface TestCommand {
  /** Its exit code, and all that it wrote. */
  run(...args: string[]): Promise<{ readonly code: number; readonly all: string }>;
  /** Serves a configuration on a free port while `work` goes on; all that it wrote. */
  served(file: string, work: (port: number, output: TestOutput) => Promise<void>): Promise<string>;
}

/** What a command has written so far. */
export interface TestOutput {
  /** Resolves once it matches; fails if the command ends before. */
  has(pattern: RegExp): Promise<void>;
}

/**
 * Runs `mediatap` in this process: its exit code, and all that it wrote. For many short runs; what takes a second of each run as a
 * program is to load its packages. Not for `serve`. Packages are resolved from `cwd`, then from here.
 */
export async function runInProcess(args: readonly string[], cwd = process.cwd()): Promise<InProcess> {
  const before = process.cwd();
  const streams = { out: process.stdout, err: process.stderr };
  const texts = { out: "", err: "", all: "" };
  const real = { out: streams.out.write, err: streams.err.write };
  for (const name of ["out", "err"] as const) {
    streams[name].write = (text: string | Uint8Array) => {
      texts[name] += String(text);
      texts.all += String(text);
      return true;
    };
  }
  process.chdir(cwd);
  try {
    const none = () => ({ endpoints: {} });
    const code = await runCli(args, { folder: none, origin: none, packages: [import.meta.dirname] });
    return { code, ...texts };
  } finally {
    for (const name of ["out", "err"] as const) streams[name].write = real[name];
    process.chdir(before);
  }
}

/** How a run in this process ended. */
interface InProcess {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Both, as they were written. */
  readonly all: string;
}

/** Runs `mediatap` as a program of its own. */
export function testCommand({ bin, cwd, env = process.env }: CommandOptions): TestCommand {
  function begin(args: readonly string[]) {
    const child = spawn(process.execPath, [bin, ...args], { cwd, env });
    const output = { all: "" };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (part: string) => {
        output.all += part;
      });
    }
    return { child, output };
  }

  return {
    async run(...args) {
      const { child, output } = begin(args);
      const [code] = (await once(child, "close")) as [number];
      return { code, all: output.all };
    },
    async served(file, work) {
      const { child, output } = begin(["serve", "--config", file, "--port", "0", "--host", "127.0.0.1"]);
      const closed = once(child, "close");
      const has = async (pattern: RegExp) => {
        while (!pattern.test(output.all)) {
          await Promise.race([once(child.stdout, "data"), closed.then(() => assert.fail(output.all))]);
        }
      };
      try {
        const listens = /listens on http:\/\/[^:]+:(\d+)/;
        await has(listens);
        await work(Number(listens.exec(output.all)?.[1]), { has });
      } finally {
        child.kill();
        await closed;
      }
      return output.all;
    },
  };
}
