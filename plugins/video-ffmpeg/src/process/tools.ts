import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { MediaError } from "@mediatap/core";
import type { Settings } from "../options.ts";
import { collect } from "./command.ts";
import { absolute, notStarted, outputOf } from "./spawn.ts";

/** Where the programs are. */
export interface Programs {
  /** Absolute, as all paths here: programs are started without a `PATH`. */
  readonly ffmpeg: string;
  /** Left out: there is none. */
  readonly ffprobe?: string;
  /** `7.1.5`. */
  readonly version: string;
  /** Those of the settings or the environment that do not run. */
  readonly broken: readonly string[];
}

type Names = ReadonlySet<string>;

/** The programs, and what they can do. */
export interface Tools extends Programs {
  readonly encoders: Names;
  readonly decoders: Names;
  readonly filters: Names;
}

type ProgramPaths = Pick<Settings, "ffmpeg" | "ffprobe">;

/** The programs of some settings, looked for once. A search that failed because the machine was busy is repeated by the next call. */
export class Toolbox {
  readonly #paths: ProgramPaths;
  #programs: Promise<Programs | undefined> | undefined;
  #tools: Promise<Tools> | undefined;

  constructor(paths: ProgramPaths) {
    this.#paths = paths;
  }

  /** `undefined`: there is no ffmpeg that runs. Rejects with `EBUSY`. */
  async programs(): Promise<Programs | undefined> {
    this.#programs ??= findPrograms(this.#paths);
    try {
      return await this.#programs;
    } catch (error) {
      this.#programs = undefined;
      throw error;
    }
  }

  /** What they can do. Rejects with `EUNSUPPORTED` if there is no ffmpeg, with `EBUSY` if it cannot be started now. */
  async tools(): Promise<Tools> {
    this.#tools ??= this.programs().then(findTools);
    try {
      return await this.#tools;
    } catch (error) {
      this.#tools = undefined;
      throw error;
    }
  }
}

/**
 * Finds the programs: those of the settings, of `FFMPEG_BIN`, of the package `ffmpeg-static`, of the `PATH`. Starts them once.
 * `undefined`: there is no ffmpeg that runs. Rejects with `EBUSY` if the machine can start none now.
 */
async function findPrograms(settings: ProgramPaths): Promise<Programs | undefined> {
  const { FFMPEG_BIN, FFPROBE_BIN } = process.env;
  const named = [settings.ffmpeg, FFMPEG_BIN];
  const broken: string[] = [];
  for (const [at, name] of [...named, bundled(), "ffmpeg"].entries()) {
    const ffmpeg = name && absolute(name);
    // Both at once: each takes as long to start.
    const [version, ffprobe] = ffmpeg
      ? await Promise.all([
          versionOf(ffmpeg),
          firstThatRuns([settings.ffprobe, FFPROBE_BIN, join(dirname(ffmpeg), "ffprobe"), "ffprobe"]),
        ])
      : [];
    if (!ffmpeg || !version) {
      if (name && at < named.length) broken.push(name);
      continue;
    }
    return { ffmpeg, ...(ffprobe && { ffprobe }), version, broken };
  }
  return undefined;
}

async function findTools(found: Programs | undefined): Promise<Tools> {
  if (!found) {
    throw new MediaError("EUNSUPPORTED", "Videos need ffmpeg, which is not installed on this server");
  }
  const lists = ["-encoders", "-decoders", "-filters"].map((argument) => list(found.ffmpeg, argument));
  const [encoders, decoders, filters] = (await Promise.all(lists)) as [Names, Names, Names];
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

async function firstThatRuns(names: readonly (string | undefined)[]): Promise<string | undefined> {
  for (const name of names) {
    const path = name && absolute(name);
    if (path && (await versionOf(path)) !== undefined) return path;
  }
  return undefined;
}

/** `undefined`: it does not run. Rejects with `EBUSY` if the machine is short of something. */
async function versionOf(path: string): Promise<string | undefined> {
  const text = await outputOf(path, ["-version"]);
  return text && /^ff\w+ version (\S+)/.exec(text)?.[1];
}

/** Names in a list of ffmpeg: flags, then the name. */
async function list(program: string, argument: string): Promise<Names> {
  const command = {
    program,
    args: ["-hide_banner", argument],
    signal: new AbortController().signal,
    timeout: 10_000,
  };
  const text = await collect(command).catch((cause: unknown) => {
    throw notStarted(cause);
  });
  return new Set(
    [...text.toString("utf8").matchAll(/^\s[A-Z.|]{2,6}\s+(\w\S*)\s/gm)].map(([, name]) => name as string),
  );
}
