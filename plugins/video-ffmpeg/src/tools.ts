import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { MediaError } from "@mediatap/core";
import type { Settings } from "./options.ts";

const run = promisify(execFile);

/** The programs, and what they can do. */
export interface Tools {
  readonly ffmpeg: string;
  /** Left out: there is none. */
  readonly ffprobe?: string;
  /** `7.1.5`. */
  readonly version: string;
  readonly encoders: ReadonlySet<string>;
  readonly filters: ReadonlySet<string>;
}

/** Finds the programs. Throws `EUNSUPPORTED` where there is no ffmpeg. */
export async function findTools(settings: Settings): Promise<Tools> {
  const candidates = [settings.ffmpeg, process.env.FFMPEG_BIN, await bundled(), "ffmpeg"];
  for (const ffmpeg of candidates) {
    const version = ffmpeg && (await versionOf(ffmpeg));
    if (!version) continue;
    const ffprobe = await firstThatRuns([
      settings.ffprobe,
      process.env.FFPROBE_BIN,
      ffmpeg.includes("/") ? join(dirname(ffmpeg), "ffprobe") : undefined,
      "ffprobe",
    ]);
    return {
      ffmpeg,
      ...(ffprobe && { ffprobe }),
      version,
      encoders: namesIn(await output(ffmpeg, "-encoders")),
      filters: namesIn(await output(ffmpeg, "-filters")),
    };
  }
  throw new MediaError("EUNSUPPORTED", "Videos need ffmpeg, which is not installed on this server");
}

/** The program that comes by npm: its download may have failed, and then its path leads nowhere. */
async function bundled(): Promise<string | undefined> {
  // Named by a variable: an optional dependency may be missing, and its types with it.
  const name = "ffmpeg-static";
  const found = await import(name).then(
    (module: { readonly default: string | null }) => module.default,
    () => undefined,
  );
  return found && existsSync(found) ? found : undefined;
}

async function firstThatRuns(paths: readonly (string | undefined)[]): Promise<string | undefined> {
  for (const path of paths) if (path && (await versionOf(path))) return path;
  return undefined;
}

async function versionOf(path: string): Promise<string | undefined> {
  const text = await output(path, "-version").catch(() => undefined);
  return text === undefined ? undefined : (/version (\S+)/.exec(text)?.[1] ?? "unknown");
}

async function output(path: string, argument: string): Promise<string> {
  const { stdout } = await run(path, ["-hide_banner", argument], {
    env: {},
    timeout: 10_000,
    maxBuffer: 4e6,
  });
  return stdout;
}

/** Names in a list of ffmpeg: flags, then the name. */
function namesIn(list: string): ReadonlySet<string> {
  return new Set([...list.matchAll(/^\s[A-Z.|]{2,6}\s+(\S+)\s/gm)].map(([, name]) => name as string));
}
