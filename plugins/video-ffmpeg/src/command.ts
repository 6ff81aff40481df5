import { type ChildProcess, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { MediaError } from "@mediatap/core";

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
  /** Working folder. */
  readonly folder?: string;
  /** Further pipes that it writes to: `pipe:3` and so on. @default 0 */
  readonly pipes?: number;
}

export interface Running {
  readonly stdout: Readable;
  /** The further pipes; whoever asks for them reads them. */
  readonly pipes: readonly Readable[];
  /** Settles once the process has gone. Rejects with `UNIDENTIFIED`, `ELIMIT`, `ETIMEDOUT`, or the signal's reason. */
  readonly done: Promise<void>;
  /** Kills it, with all that it has started. */
  kill(): void;
}

/** Last part of what a program says, for its error. */
const SAID = 4_096;

/** Starts a program without a shell, with an empty environment, in a process group of its own. */
export function start({
  program,
  args,
  signal,
  timeout,
  niceness = 10,
  folder,
  pipes = 0,
}: Command): Running {
  signal.throwIfAborted();
  const child = spawn("nice", ["-n", String(niceness), program, ...args], {
    stdio: ["ignore", "pipe", "pipe", ...Array<"pipe">(pipes).fill("pipe")],
    env: {},
    detached: true,
    ...(folder && { cwd: folder }),
  });
  const kill = () => killGroup(child);
  let said = "";
  const [, stdout, stderr, ...more] = child.stdio as unknown as readonly [
    null,
    Readable,
    Readable,
    ...Readable[],
  ];
  stderr.setEncoding("utf8").on("data", (text: string) => {
    said = (said + text).slice(-SAID);
  });
  const done = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      kill();
      reject(new MediaError("ETIMEDOUT", "The video took too long"));
    }, timeout);
    const onAbort = () => {
      kill();
      reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
    };
    child.once("error", (cause) => {
      end();
      reject(new MediaError("EUNSUPPORTED", "The program for videos cannot be started", { cause }));
    });
    child.once("close", (code) => {
      end();
      if (code === 0) resolve();
      else reject(errorOf(said));
    });
  });
  done.catch(() => {});
  return { stdout, pipes: more, done, kill };
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

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    child.kill("SIGKILL");
  }
}

/** What went wrong, in words that tell nothing of paths. */
function errorOf(said: string): MediaError {
  const cause = new Error(said.trim().split("\n").slice(-5).join("\n"));
  return new MediaError("UNIDENTIFIED", "The video cannot be read", { cause, status: 400 });
}
