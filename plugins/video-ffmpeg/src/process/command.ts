import type { ChildProcess } from "node:child_process";
import { addAbortListener } from "node:events";
import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { MediaError } from "@mediatap/core";
import { inputErrorOf } from "./input-errors.ts";
import { sandbox } from "./sandbox.ts";
import { launch, notStarted } from "./spawn.ts";
import { failureOf } from "./stderr.ts";
import { temp } from "./temp.ts";

/** Arguments of ffmpeg that leave only errors on standard error. */
export const QUIET_ARGS: readonly string[] = ["-nostdin", "-v", "error"];

/** One run of a program. */
export interface Command {
  readonly program: string;
  /** No argument begins with text of a client. */
  readonly args: readonly string[];
  /** The process group is killed with it. */
  readonly signal: AbortSignal;
  /** Milliseconds of wall-clock time. */
  readonly timeout: number;
  /** Nice value. @default 10 */
  readonly niceness?: number;
  /** Working folder; one below that of `temp()`, so that its program is found when the server is killed. @default that of `temp()` */
  readonly folder?: string | undefined;
  /** Seconds of processor time, all threads together. @default `timeout` on every core */
  readonly cpu?: number;
  /** Bytes of a file that it writes: `limits.videoOutput`. @default 1 GB */
  readonly fileBytes?: number;
  /** Bytes of an output that is collected; more is `ELIMIT`. @default 256 MB */
  readonly outputBytes?: number;
  /** Further pipes that it writes to: `pipe:3` and so on. @default 0 */
  readonly pipes?: number;
  /** Bytes that are kept of the end of standard error. @default 4096 */
  readonly stderrBytes?: number;
}

export interface Running {
  /** Standard output, then the further pipes. */
  readonly outputs: readonly [Readable, ...Readable[]];
  /**
   * Settles when the process is gone, with all that it has started. Rejects with `UNIDENTIFIED`, `EUNSUPPORTED`, `ELIMIT`,
   * `ETIMEDOUT`, `EBUSY` (it could not be started, or the machine lacks what it needs), the signal's reason, or the failure of
   * an input that it read from a loopback URL.
   */
  readonly done: Promise<void>;
  /** The end of its standard error. */
  stderr(): string;
  /** Kills it, with all that it has started. */
  kill(): void;
}

/** Ended with this process. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) killGroup(child);
});

/**
 * Starts a program without a shell, with an empty environment, in a process group of its own, within limits of processor
 * time, memory, files and priority (`sandbox`). A program that cannot be started is `EBUSY`, thrown or by `done`.
 */
export function start(command: Command): Running {
  const { program, args, signal, timeout, folder = temp().folder } = command;
  const { niceness = 10, fileBytes = 1024 ** 3, pipes = 0, stderrBytes = 4_096 } = command;
  signal.throwIfAborted();
  const { cpu = Math.ceil(timeout / 1_000) * availableParallelism() } = command;
  const [first = program, ...rest] = [...sandbox({ niceness, cpu, fileBytes }), program, ...args];
  const child = launch(first, rest, {
    stdio: ["ignore", "pipe", "pipe", ...Array<"pipe">(pipes).fill("pipe")],
    env: {},
    detached: true,
    cwd: folder,
  });
  running.add(child);
  let text = "";
  let reason: unknown;
  // Without descriptors the child has no pipes: its `error` event comes later.
  const [, stdout = Readable.from([]), stderr = Readable.from([]), ...more] = (child.stdio ??
    []) as unknown as readonly [null, Readable?, Readable?, ...Readable[]];
  // An error of a pipe that nobody reads any more must not end the server.
  for (const pipe of [stdout, ...more]) pipe.on("error", () => {});
  stderr.setEncoding("utf8").on("data", (more: string) => {
    text = (text + more).slice(-stderrBytes);
  });
  const stopFor = (why: unknown) => {
    reason ??= why;
    killGroup(child);
  };
  const done = new Promise<void>((resolve, reject) => {
    const onTimeout = () => stopFor(new MediaError("ETIMEDOUT", "The video took too long"));
    const timer = setTimeout(onTimeout, timeout);
    const abortListener = addAbortListener(signal, () => stopFor(signal.reason));
    const settle = (failure?: unknown) => {
      running.delete(child);
      clearTimeout(timer);
      abortListener[Symbol.dispose]();
      if (failure === undefined) resolve();
      else reject(failure);
    };
    child.once("error", (cause) => settle(reason ?? notStarted(cause)));
    child.once("exit", (code, killedBy) => {
      // It starts no others; should it ever, they end with it.
      killGroup(child, true);
      const finish = () => {
        const failure = code === 0 ? undefined : failureOf(text, code, killedBy);
        // The program cannot distinguish an input that breaks off from one that ends.
        settle(reason ?? inputErrorOf(args) ?? failure);
      };
      if (stderr.readableEnded || stderr.destroyed) finish();
      else stderr.once("close", finish);
    });
  });
  done.catch(() => {});
  return { outputs: [stdout, ...more], done, stderr: () => text, kill: () => killGroup(child) };
}

/** Runs a program to its end. What it wrote to standard output and each further pipe. */
export async function collectAll(command: Command): Promise<readonly Buffer[]> {
  const { outputs, done, kill } = start(command);
  const { outputBytes = 256 * 1024 * 1024 } = command;
  try {
    const buffers = await Promise.all(outputs.map((output) => bufferOf(output, outputBytes)));
    await done;
    return buffers;
  } finally {
    kill();
  }
}

/** The same of standard output alone. */
export const collect = async (command: Command): Promise<Buffer> => (await collectAll(command))[0] as Buffer;

async function bufferOf(output: AsyncIterable<Buffer>, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of output) {
    length += chunk.length;
    if (length > limit) throw new MediaError("ELIMIT", "The result is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function killGroup(child: ChildProcess, gone = false): void {
  const ended = child.exitCode !== null || child.signalCode !== null;
  if (child.pid === undefined || (ended && !gone)) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    if (!gone) child.kill("SIGKILL");
  }
}
