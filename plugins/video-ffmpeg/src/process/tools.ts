import { execFile, spawnSync } from "node:child_process";
import { accessSync, constants, statSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { MediaError, shortageOf } from "@mediatap/core";
import type { Settings } from "../options.ts";
import { notStarted } from "./stderr.ts";

const run = promisify(execFile);

/** Where the programs are. */
export interface Programs {
  /** Absolute, as all paths here: programs are started without a `PATH`. */
  readonly ffmpeg: string;
  /** Left out: there is none. */
  readonly ffprobe?: string;
  /** `7.1.5`. */
  readonly version: string;
  /** What was named in the settings or the environment, and does not run. */
  readonly broken: readonly string[];
}

/** The programs, and what they can do. */
export interface Tools extends Programs {
  readonly encoders: ReadonlySet<string>;
  readonly decoders: ReadonlySet<string>;
  readonly filters: ReadonlySet<string>;
}

type ProgramPaths = Pick<Settings, "ffmpeg" | "ffprobe">;

const MISSING = "Videos need ffmpeg, which is not installed on this server";

/** The programs of some settings, looked for once. A search that failed since the machine was busy is repeated by the next call. */
export interface Toolbox {
  /** `undefined`: there is no ffmpeg that runs. Throws `EBUSY`. */
  programs(): Programs | undefined;
  /** What they can do. Rejects with `EUNSUPPORTED` if there is no ffmpeg, else `EBUSY`. */
  tools(): Promise<Tools>;
}

export function openToolbox(settings: ProgramPaths): Toolbox {
  let found: { readonly programs: Programs | undefined } | undefined;
  let tools: Promise<Tools> | undefined;
  const programs = () => {
    found ??= { programs: findPrograms(settings) };
    return found.programs;
  };
  return {
    programs,
    async tools() {
      tools ??= findTools(programs());
      try {
        return await tools;
      } catch (error) {
        tools = undefined;
        throw error;
      }
    },
  };
}

/**
 * Finds the programs: those of the settings, of `FFMPEG_BIN`, of the package `ffmpeg-static`, of the `PATH`. Starts them once,
 * and waits for that. `undefined`: there is no ffmpeg that runs. Throws `EBUSY` if the machine can start none now.
 */
export function findPrograms(
  settings: ProgramPaths,
  env: NodeJS.ProcessEnv = process.env,
): Programs | undefined {
  const named = [settings.ffmpeg, env.FFMPEG_BIN];
  const broken: string[] = [];
  for (const [at, name] of [...named, bundled(), "ffmpeg"].entries()) {
    const ffmpeg = name && absolute(name, env);
    const version = ffmpeg && versionOf(ffmpeg);
    if (!version) {
      if (name && at < named.length) broken.push(name);
      continue;
    }
    const ffprobe = [settings.ffprobe, env.FFPROBE_BIN, join(dirname(ffmpeg), "ffprobe"), "ffprobe"]
      .map((other) => other && absolute(other, env))
      .find((other) => other && versionOf(other) !== undefined);
    return { ffmpeg, ...(ffprobe && { ffprobe }), version, broken };
  }
  return undefined;
}

/** Asks ffmpeg what it can do. Throws `EUNSUPPORTED` if there is no ffmpeg, `EBUSY` if it cannot be started. */
export async function findTools(found: Programs | undefined): Promise<Tools> {
  if (!found) throw new MediaError("EUNSUPPORTED", MISSING);
  const { ffmpeg } = found;
  const [encoders, decoders, filters] = await Promise.all([
    list(ffmpeg, "-encoders"),
    list(ffmpeg, "-decoders"),
    list(ffmpeg, "-filters"),
  ]);
  return { ...found, encoders, decoders, filters };
}

/** The program that comes by npm: its download may have failed, and then its path leads nowhere. */
function bundled(): string | undefined {
  try {
    return (createRequire(import.meta.url)("ffmpeg-static") as string | null) ?? undefined;
  } catch {
    return undefined;
  }
}

/** The file that a name stands for, as a shell finds it. `undefined`: there is none that may be run. */
export function absolute(name: string, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const places = /[\\/]/.test(name)
    ? [resolve(name)]
    : (env.PATH ?? "")
        .split(delimiter)
        .filter(Boolean)
        .map((folder) => join(folder, name));
  return places
    .flatMap((path) => (process.platform === "win32" ? [`${path}.exe`, path] : [path]))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function versionOf(path: string): string | undefined {
  const { status, stdout, error } = spawnSync(path, ["-version"], {
    env: {},
    timeout: 10_000,
    encoding: "utf8",
  });
  const shortage = shortageOf(error);
  if (shortage) throw shortage;
  return status === 0 ? /^ff\w+ version (\S+)/.exec(stdout)?.[1] : undefined;
}

/** Names in a list of ffmpeg: flags, then the name. */
async function list(path: string, argument: string): Promise<ReadonlySet<string>> {
  const { stdout } = await run(path, ["-hide_banner", argument], {
    env: {},
    timeout: 10_000,
    maxBuffer: 4e6,
  }).catch((cause: unknown) => {
    throw notStarted(cause);
  });
  return new Set([...stdout.matchAll(/^\s[A-Z.|]{2,6}\s+(\w\S*)\s/gm)].map(([, name]) => name as string));
}
