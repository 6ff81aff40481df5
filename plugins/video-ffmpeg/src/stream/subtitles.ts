import { type Asset, isMediaError, type RenderContext, type Source } from "@mediatap/core";
import { renditionOf } from "../engine.ts";
import type { PartRequest } from "./layout.ts";
import type { PartPlan } from "./segments.ts";
import { isSubtitles, webVttOf } from "./webvtt.ts";

/** Subtitles that a stream offers. */
export interface SubtitleTrack {
  readonly track: string;
  /** As in the file's name (BCP 47); left out: unknown. */
  readonly language?: string;
  /** For people, in the language itself. */
  readonly label: string;
}

/** The language of a file whose name contains none: `clip.vtt`. */
const UNDETERMINED_LANGUAGE = "und";
const TRACK_PREFIX = "sub-";
const EXTENSIONS = ["vtt", "srt"] as const;

/** Time for which a missing file is not looked up again; and how many such files are known. */
const ABSENT_TTL_MS = 60_000;
const MAX_ABSENT_ENTRIES = 10_000;
/** Bytes by which subtitles are distinguished from other files. */
const HEAD_BYTES = 512;
const MAX_SUBTITLE_BYTES = 2 * 1024 * 1024;

/** The subtitles of a video. */
export interface SubtitleSearch {
  readonly subtitles: readonly SubtitleTrack[];
  /** An origin failed: there may be more. */
  readonly incomplete: boolean;
}

/** Finds the subtitles that are stored beside videos, in these languages. */
export function createSubtitles(languages: readonly string[]) {
  /** Until when files are not looked up. */
  const absent = new Map<string, number>();

  /** The subtitles of one language. `undefined`: there are none. Throws what opening them throws. */
  async function open(asset: Asset, language: string, context: RenderContext): Promise<Source | undefined> {
    const { tenant, endpoint, kind, host } = asset;
    for (const path of pathsOf(asset, language)) {
      const key = JSON.stringify([tenant, endpoint, kind, host, path]);
      if ((absent.get(key) ?? 0) > performance.now()) continue;
      const source = await context.open({ tenant, endpoint, kind, path }).catch((error: unknown) => {
        // Some storages forbid reading what does not exist.
        if (isMediaError(error) && (error.code === "ENOENT" || error.code === "EACCES")) return undefined;
        throw error;
      });
      if (source && isSubtitles(await source.peek(HEAD_BYTES))) return source;
      if (absent.size >= MAX_ABSENT_ENTRIES) absent.clear();
      absent.set(key, performance.now() + ABSENT_TTL_MS);
    }
    return undefined;
  }

  return {
    open,

    /** The tracks of a video. If a file needs a signature, so does the playlist: that is thrown. */
    async find(asset: Asset, context: RenderContext): Promise<SubtitleSearch> {
      let incomplete = false;
      const found = await Promise.all(
        languages.map(async (language) => {
          try {
            return (await open(asset, language, context)) && trackOf(language);
          } catch (error) {
            context.signal.throwIfAborted();
            if (isMediaError(error) && error.code === "ESIGNATURE") throw error;
            incomplete = true;
            return undefined;
          }
        }),
      );
      return { subtitles: found.filter((track) => track !== undefined), incomplete };
    },

    /** The language of a track. `undefined`: it is no track of subtitles. */
    languageOf(track: string): string | undefined {
      return languages.find((language) => `${TRACK_PREFIX}${language}` === track);
    },
  };
}

function trackOf(language: string): SubtitleTrack {
  const track = `${TRACK_PREFIX}${language}`;
  if (language === UNDETERMINED_LANGUAGE) return { track, label: "Subtitles" };
  return {
    track,
    language,
    label: new Intl.DisplayNames([language], { type: "language" }).of(language) ?? language,
  };
}

/** Paths of subtitles: beside the video, with the same name. */
function pathsOf({ kind, path }: Asset, language: string): readonly string[] {
  // A query belongs to that one file.
  if (kind === "url" && /[?#]/.test(path)) return [];
  const stem = path.replace(/\.[^./]*$/, "");
  return EXTENSIONS.map(
    (ending) => `${stem}${language === UNDETERMINED_LANGUAGE ? "" : `.${language}`}.${ending}`,
  );
}

/** The subtitles of a track, in the time of the stream. */
export function subtitlePart(source: Source, { layout }: PartRequest, track: string): PartPlan {
  const { start, duration } = layout;
  return {
    lane: "light",
    cost: 5,
    memory: 4 * MAX_SUBTITLE_BYTES,
    explain: () => ({ track, file: source.metadata.path, start, duration }),
    async run() {
      const text = webVttOf(await source.bytes(MAX_SUBTITLE_BYTES), { start, duration });
      return renditionOf(Buffer.from(text), "text/vtt; charset=utf-8", "vtt");
    },
  };
}
