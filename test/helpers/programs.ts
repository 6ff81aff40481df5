import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/** A program that tests start, and the Debian packages that bring it. */
export interface Program {
  readonly path: string;
  readonly packages: readonly string[];
}

/**
 * A suite that needs a program. If it is missing the suite is skipped, and one line reports that; with `CI=true` it
 * fails instead.
 */
export function describeWith({ path, packages }: Program, title: string, suite: () => void): void {
  if (existsSync(path)) {
    describe(title, suite);
    return;
  }
  const advice = `${title}: ${path} is missing; install ${packages.join(" ")}`;
  if (process.env.CI === "true") {
    describe(title, () => {
      it("finds its program", () => {
        throw new Error(advice);
      });
    });
    return;
  }
  console.log(`Skipping ${advice} to run it.`);
  describe.skip(title, suite);
}

/** A program that runs until it is stopped, or this process ends. */
export interface Running {
  /** What it wrote so far, to say why it failed. */
  output(): string;
  /** Sends it a signal: `SIGSTOP` has it hang, `SIGCONT` go on. */
  signal(name: NodeJS.Signals): void;
  /** Ends it and waits for that. */
  stop(): Promise<void>;
}

/** It only ends a start that fails. */
const START_TIMEOUT_MS = 60_000;

/** Starts a server program and waits until `ready` is true. Throws with its output when it ends before. */
export async function startProgram(
  path: string,
  args: readonly string[],
  ready: () => Promise<boolean>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Running> {
  const child = spawn(path, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  let failure: Error | undefined;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-10_000);
    });
  }
  child.on("error", (error) => {
    failure = error;
  });
  const kill = () => child.kill("SIGKILL");
  process.once("exit", kill);
  const stop = async () => {
    process.off("exit", kill);
    await endOf(child);
  };
  const end = performance.now() + START_TIMEOUT_MS;
  while (!(await ready().catch(() => false))) {
    if (failure || hasEnded(child) || performance.now() > end) {
      await stop();
      throw new Error(`${path} did not start: ${failure?.message ?? output}`);
    }
    await delay(30);
  }
  return { output: () => output, signal: (name) => child.kill(name), stop };
}

/** Whether an HTTP server answers at all. */
export async function answers(url: string): Promise<boolean> {
  const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
  await response.body?.cancel();
  return true;
}

/** Below the ports that systems give to outgoing connections: one of those might take a port before it is listened on. */
const PORTS = { first: 10_000, count: 20_000 };

/** A port of the loopback interface that nobody uses now. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = PORTS.first + randomInt(PORTS.count);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
      server.close();
      await once(server, "close");
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EADDRINUSE") throw error;
    }
  }
}

async function endOf(child: ChildProcess): Promise<void> {
  if (hasEnded(child)) return;
  const gone = once(child, "exit");
  child.kill("SIGTERM");
  // One that was stopped hears nothing else.
  child.kill("SIGCONT");
  const late = setTimeout(() => child.kill("SIGKILL"), 3000);
  await gone;
  clearTimeout(late);
}

function hasEnded({ exitCode, signalCode, pid }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null;
}
