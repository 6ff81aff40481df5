import { type ChildProcess, execFile, type SpawnOptions, spawn, spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join, resolve } from "node:path";
import { promisify } from "node:util";
import { MediaError, shortageOf } from "@mediatap/core";

// The only file that starts programs.

export const RETRY_SECONDS = 5;
const START_TIMEOUT_MS = 30_000;

/**
 * The error for a program that could not be started: it ran when the server began, so whatever it lacks now is the machine's fault
 * and may be there again soon.
 */
export const notStarted = (cause: unknown): MediaError =>
  new MediaError("EBUSY", "The server is busy", { cause, retryAfterSeconds: RETRY_SECONDS });

/** `spawn`, which reports most failures by an event, and some by throwing. Throws `EBUSY`. */
export function launch(program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  try {
    return spawn(program, args, options);
  } catch (cause) {
    throw notStarted(cause);
  }
}

/** Runs a program at start and waits for it. Throws `EBUSY` if the machine is short of something. */
export function runSync(program: string, args: readonly string[]) {
  const result = spawnSync(program, args, { env: {}, timeout: START_TIMEOUT_MS, encoding: "utf8" });
  const shortage = shortageOf(result.error);
  if (shortage) throw shortage;
  return result;
}

const execute = promisify(execFile);

/** What a program writes at start; `undefined`: it does not run. Rejects with `EBUSY` if the machine is short of something. */
export async function outputOf(program: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await execute(program, args, { env: {}, timeout: START_TIMEOUT_MS })).stdout;
  } catch (error) {
    const shortage = shortageOf(error);
    if (shortage) throw shortage;
    return undefined;
  }
}

/** The absolute path of a program, found as a shell finds it. `undefined`: there is none that may be run. */
export function absolute(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const folders = (env.PATH ?? "").split(delimiter).filter(Boolean);
  const paths = /[\\/]/.test(name) ? [resolve(name)] : folders.map((folder) => join(folder, name));
  return paths
    .flatMap((path) => (process.platform === "win32" ? [`${path}.exe`, path] : [path]))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
