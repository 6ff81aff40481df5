import { type Asset, isMediaError, type RenderContext, type Source } from "@mediatap/core";
import { isSubtitles } from "./webvtt.ts";

/** Subtitles that a stream offers. */
export interface Text {
  readonly track: string;
  /** As in the file's name (BCP 47); left out: the file does not say. */
  readonly language?: string;
  /** For people, in the language itself. */
  readonly label: string;
}

/** Stands for a file without a language: `clip.vtt`. */
const UNKNOWN = "und";
const PREFIX = "sub-";
const ENDINGS = ["vtt", "srt"] as const;

/** Milliseconds for which nobody looks again for a file that was not there; and how many such files are known. */
const ABSENCE = 60_000;
const MOST_ABSENT = 10_000;
/** Bytes by which subtitles are told from other files, and bytes of one file at most. */
const HEAD = 512;
export const MOST_TEXT = 2 * 1024 * 1024;

/** What was found of the languages looked for. */
export interface Found {
  readonly texts: readonly Text[];
  /** Some origin failed: there may be more. */
  readonly doubtful: boolean;
}

/** Finds the subtitles that lie beside videos, in the languages named. */
export function createTexts(languages: readonly string[]) {
  /** Until when files are not looked for. */
  const absent = new Map<string, number>();

  /** The subtitles of one language. `undefined`: there are none. Throws what opening them throws. */
  async function open(asset: Asset, language: string, context: RenderContext): Promise<Source | undefined> {
    const { tenant, endpoint, kind, host } = asset;
    for (const path of pathsOf(asset, language)) {
      const key = JSON.stringify([tenant, endpoint, kind, host, path]);
      if ((absent.get(key) ?? 0) > performance.now()) continue;
      const source = await context.open({ tenant, endpoint, kind, path }).catch((error: unknown) => {
        // Some stores forbid to read what is not there.
        if (isMediaError(error) && (error.code === "ENOENT" || error.code === "EACCES")) return undefined;
        throw error;
      });
      if (source && isSubtitles(await source.peek(HEAD))) return source;
      if (absent.size >= MOST_ABSENT) absent.clear();
      absent.set(key, performance.now() + ABSENCE);
    }
    return undefined;
  }

  return {
    open,

    /** What a video has. Where a file needs a signature, so does the playlist: that is thrown. */
    async find(asset: Asset, context: RenderContext): Promise<Found> {
      let doubtful = false;
      const found = await Promise.all(
        languages.map(async (language) => {
          try {
            return (await open(asset, language, context)) && textOf(language);
          } catch (error) {
            context.signal.throwIfAborted();
            if (isMediaError(error) && error.code === "ESIGNATURE") throw error;
            doubtful = true;
            return undefined;
          }
        }),
      );
      return { texts: found.filter((text) => text !== undefined), doubtful };
    },

    /** The language of a track. `undefined`: it is no track of subtitles. */
    languageOf(track: string): string | undefined {
      return languages.find((language) => `${PREFIX}${language}` === track);
    },
  };
}

function textOf(language: string): Text {
  const track = `${PREFIX}${language}`;
  if (language === UNKNOWN) return { track, label: "Subtitles" };
  return {
    track,
    language,
    label: new Intl.DisplayNames([language], { type: "language" }).of(language) ?? language,
  };
}

/** Where subtitles may lie: beside the video, by the same name. */
function pathsOf({ kind, path }: Asset, language: string): readonly string[] {
  // A query is for that one file.
  if (kind === "url" && /[?#]/.test(path)) return [];
  const stem = path.replace(/\.[^./]*$/, "");
  return ENDINGS.map((ending) => `${stem}${language === UNKNOWN ? "" : `.${language}`}.${ending}`);
}
