import { hash, randomBytes } from "node:crypto";
import { readFile, rename, stat, writeFile } from "node:fs/promises";
import { createRequire, getCompileCacheDir } from "node:module";
import { dirname, join } from "node:path";
import { MediaError } from "@mediatap/core";
import type { Settings } from "../options.ts";
import { collect } from "./command.ts";
import { absolute, notStarted, outputOf } from "./spawn.ts";

/** The program that videos need. */
export interface Program {
  /** Absolute, as all paths here: programs are started without a `PATH`. */
  readonly ffmpeg: string;
  /** `7.1.5`. */
  readonly version: string;
  /** Programs of the settings or the environment that do not run. */
  readonly broken: readonly string[];
}

type Names = ReadonlySet<string>;

/** All programs, and what they can do. */
export interface Tools extends Program {
  /** Left out: there is none. */
  readonly ffprobe?: string;
  readonly encoders: Names;
  readonly decoders: Names;
  readonly filters: Names;
}

type ProgramPaths = Pick<Settings, "ffmpeg" | "ffprobe">;

/**
 * The programs of some settings, each looked for once. The start of a server needs only the version of ffmpeg; the rest is found out
 * for the first video. A search that failed because the machine was busy is repeated by the next call.
 */
export class Toolbox {
  readonly #paths: ProgramPaths;
  #program: Promise<Program | undefined> | undefined;
  #tools: Promise<Tools> | undefined;

  constructor(paths: ProgramPaths) {
    this.#paths = paths;
  }

  /** `undefined`: there is no ffmpeg that runs. Rejects with `EBUSY`. */
  async program(): Promise<Program | undefined> {
    this.#program ??= findProgram(this.#paths);
    try {
      return await this.#program;
    } catch (error) {
      this.#program = undefined;
      throw error;
    }
  }

  /** Rejects with `EUNSUPPORTED` if there is no ffmpeg, with `EBUSY` if it cannot be started now. */
  async tools(): Promise<Tools> {
    this.#tools ??= this.program().then((program) => findTools(program, this.#paths));
    try {
      return await this.#tools;
    } catch (error) {
      this.#tools = undefined;
      throw error;
    }
  }
}

/**
 * Finds ffmpeg: that of the settings, of `FFMPEG_BIN`, of the package `ffmpeg-static`, of the `PATH`. `undefined`: there is none that
 * runs. Rejects with `EBUSY` if the machine can start none now.
 */
async function findProgram(settings: ProgramPaths): Promise<Program | undefined> {
  const configured = [settings.ffmpeg, process.env.FFMPEG_BIN];
  const broken: string[] = [];
  for (const [at, name] of [...configured, bundled(), "ffmpeg"].entries()) {
    const ffmpeg = name && absolute(name);
    const version = ffmpeg && (await recordedVersionOf(ffmpeg));
    if (ffmpeg && version) return { ffmpeg, version, broken };
    if (name && at < configured.length) broken.push(name);
  }
  return undefined;
}

async function findTools(program: Program | undefined, settings: ProgramPaths): Promise<Tools> {
  if (!program) {
    throw new MediaError("EUNSUPPORTED", "Videos need ffmpeg, which is not installed on this server");
  }
  const { ffmpeg } = program;
  // All at once: each takes as long to start.
  const [ffprobe, encoders, decoders, filters] = await Promise.all([
    firstThatRuns([settings.ffprobe, process.env.FFPROBE_BIN, join(dirname(ffmpeg), "ffprobe"), "ffprobe"]),
    list(ffmpeg, "-encoders"),
    list(ffmpeg, "-decoders"),
    list(ffmpeg, "-filters"),
  ]);
  return { ...program, ...(ffprobe && { ffprobe }), encoders, decoders, filters };
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

/**
 * The same as the first start with this file found it: the libraries of ffmpeg take 0.1 s of CPU to load. Kept beside the compiled code of
 * earlier starts, if that is kept.
 */
async function recordedVersionOf(path: string): Promise<string | undefined> {
  const folder = getCompileCacheDir();
  if (folder === undefined) return await versionOf(path);
  const { dev, ino, size, mtimeMs, ctimeMs } = await stat(path);
  const key = hash("sha256", JSON.stringify([path, dev, ino, size, mtimeMs, ctimeMs]), "hex").slice(0, 24);
  const record = join(folder, `ffmpeg-${key}`);
  const known = await readFile(record, "utf8").catch(() => "");
  if (known !== "") return known;
  const version = await versionOf(path);
  if (version !== undefined) await write(record, version).catch(() => {});
  return version;
}

/** Whole or not at all. */
async function write(path: string, text: string): Promise<void> {
  const unfinished = `${path}.${randomBytes(6).toString("hex")}`;
  await writeFile(unfinished, text);
  await rename(unfinished, path);
}

/** `undefined`: it does not run. Rejects with `EBUSY` if the machine is short of something. */
export async function versionOf(path: string): Promise<string | undefined> {
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
