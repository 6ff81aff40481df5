import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { MediaError } from "@mediatap/core";
import type { Settings } from "../options.ts";
import { collect } from "./command.ts";
import { absolute, notStarted, runSync } from "./spawn.ts";

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
  #programs: { readonly found: Programs | undefined } | undefined;
  #tools: Promise<Tools> | undefined;

  constructor(paths: ProgramPaths) {
    this.#paths = paths;
  }

  /** `undefined`: there is no ffmpeg that runs. Throws `EBUSY`. */
  programs(): Programs | undefined {
    this.#programs ??= { found: findPrograms(this.#paths) };
    return this.#programs.found;
  }

  /** What they can do. Rejects with `EUNSUPPORTED` if there is no ffmpeg, with `EBUSY` if it cannot be started now. */
  async tools(): Promise<Tools> {
    this.#tools ??= findTools(this.programs());
    try {
      return await this.#tools;
    } catch (error) {
      this.#tools = undefined;
      throw error;
    }
  }
}

/**
 * Finds the programs: those of the settings, of `FFMPEG_BIN`, of the package `ffmpeg-static`, of the `PATH`. Starts them once,
 * and waits for that. `undefined`: there is no ffmpeg that runs. Throws `EBUSY` if the machine can start none now.
 */
function findPrograms(settings: ProgramPaths): Programs | undefined {
  const { FFMPEG_BIN, FFPROBE_BIN } = process.env;
  const named = [settings.ffmpeg, FFMPEG_BIN];
  const broken: string[] = [];
  for (const [at, name] of [...named, bundled(), "ffmpeg"].entries()) {
    const ffmpeg = name && absolute(name);
    const version = ffmpeg && versionOf(ffmpeg);
    if (!version) {
      if (name && at < named.length) broken.push(name);
      continue;
    }
    const ffprobe = [settings.ffprobe, FFPROBE_BIN, join(dirname(ffmpeg), "ffprobe"), "ffprobe"]
      .map((other) => other && absolute(other))
      .find((other) => other && versionOf(other) !== undefined);
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

function versionOf(path: string): string | undefined {
  const { status, stdout } = runSync(path, ["-version"]);
  return status === 0 ? /^ff\w+ version (\S+)/.exec(stdout)?.[1] : undefined;
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
