import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { availableParallelism } from "node:os";
import { Readable } from "node:stream";
import { MediaError } from "@mediatap/core";
import { troubleOf } from "./input-errors.ts";
import { confine } from "./sandbox.ts";
import { complaintOf, notStarted } from "./stderr.ts";
import { temp } from "./temp.ts";

/** One run of a program. */
export interface Command {
  readonly program: string;
  /** Nothing in them begins with a client's text. */
  readonly args: readonly string[];
  /** The process group is killed with it. */
  readonly signal: AbortSignal;
  /** Milliseconds, by the clock. */
  readonly timeout: number;
  /** Bytes of standard output; more ends the run. @default without a bound */
  readonly most?: number;
  /** @default 10 */
  readonly niceness?: number;
  /** Working folder; one below that of `temp()`, so that its program is found when the server is killed. @default that of `temp()` */
  readonly folder?: string;
  /** Seconds of processor time, all threads together. @default `timeout` on every core */
  readonly cpu?: number;
  /** Bytes of a file that it writes: `limits.videoOutput`. @default 1 GB */
  readonly fileBytes?: number;
  /** Further pipes that it writes to: `pipe:3` and so on. @default 0 */
  readonly pipes?: number;
  /** Bytes that are kept of the last that it says on standard error. @default 4096 */
  readonly hear?: number;
}

export interface Running {
  readonly stdout: Readable;
  /** The further pipes; whoever asks for them reads them. */
  readonly pipes: readonly Readable[];
  /**
   * Settles once the process has gone, with all that it has started. Rejects with `UNIDENTIFIED`, `EUNSUPPORTED`, `ELIMIT`,
   * `ETIMEDOUT`, `EBUSY` (it could not be started, or the machine lacks what it needs), the signal's reason, or what went wrong with
   * an input that it read from our own address.
   */
  readonly done: Promise<void>;
  /** The last that it has said on standard error. */
  said(): string;
  /** Kills it, with all that it has started. */
  kill(): void;
}

/** Those that run; ended with this process. */
const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) killGroup(child);
});

/**
 * Starts a program without a shell, with an empty environment, in a process group of its own, within bounds of processor
 * time, memory, files and priority (`confine`). A program that cannot be started is `EBUSY`, thrown or by `done`.
 */
export function start(command: Command): Running {
  const {
    program,
    args,
    signal,
    timeout,
    niceness = 10,
    folder = temp().folder,
    pipes = 0,
    hear = 4_096,
  } = command;
  signal.throwIfAborted();
  const { cpu = Math.ceil(timeout / 1_000) * availableParallelism(), fileBytes = 1024 ** 3 } = command;
  const [first, ...rest] = [...confine({ niceness, cpu, fileBytes }), program, ...args] as [
    string,
    ...string[],
  ];
  const child = launch(first, rest, {
    stdio: ["ignore", "pipe", "pipe", ...Array<"pipe">(pipes).fill("pipe")],
    env: {},
    detached: true,
    cwd: folder,
  });
  running.add(child);
  let said = "";
  let end: unknown;
  // Where descriptors are used up the child has no pipes: its `error` event comes later.
  const [, stdout = Readable.from([]), stderr = Readable.from([]), ...more] = (child.stdio ??
    []) as unknown as readonly [null, Readable?, Readable?, ...Readable[]];
  // What nobody reads any more must not end the server.
  for (const pipe of [stdout, ...more]) pipe.on("error", () => {});
  stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-hear);
  });
  const stopFor = (reason: unknown) => {
    end ??= reason;
    killGroup(child);
  };
  const done = new Promise<void>((resolve, reject) => {
    const late = () => stopFor(new MediaError("ETIMEDOUT", "The video took too long"));
    const timer = setTimeout(late, timeout);
    const onAbort = () => stopFor(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const settle = (failure?: unknown) => {
      running.delete(child);
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      if (failure === undefined) resolve();
      else reject(failure);
    };
    child.once("error", (cause) => settle(end ?? notStarted(cause)));
    child.once("exit", (code, killedBy) => {
      // It starts no others; should it ever, they end with it.
      killGroup(child, true);
      const judge = () => {
        const failed = code === 0 ? undefined : complaintOf(said, code, killedBy);
        // An input that broke off looks to it like one that ends.
        settle(end ?? troubleOf(args) ?? failed);
      };
      if (stderr.readableEnded || stderr.destroyed) judge();
      else stderr.once("close", judge);
    });
  });
  done.catch(() => {});
  return { stdout, pipes: more, done, said: () => said, kill: () => killGroup(child) };
}

/** `spawn`, which reports most failures by an event, and some by throwing. Throws `EBUSY`. */
function launch(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(program, args, options);
  } catch (cause) {
    throw notStarted(cause);
  }
}

/** Runs a program to its end. What it writes to standard output, at most `most` bytes (`ELIMIT`). */
export async function collect(command: Command): Promise<Buffer> {
  const { stdout, done, kill } = start(command);
  const { most = Number.POSITIVE_INFINITY } = command;
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    for await (const chunk of stdout) {
      length += (chunk as Buffer).length;
      if (length > most) throw new MediaError("ELIMIT", "The result is too large");
      chunks.push(chunk as Buffer);
    }
    await done;
    return Buffer.concat(chunks);
  } finally {
    kill();
  }
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
