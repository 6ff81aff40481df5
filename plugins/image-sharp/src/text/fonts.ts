import { createHash, randomBytes } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { MediaError, nearest, printable, type Source } from "@mediatap/core";
import { ALIASES, DEFAULT_FAMILY, type FontFamily, familyKey, findFamilies } from "@mediatap/fonts-standard";
import { openImage } from "../pixels/image.ts";
import { FAMILY_PREFIX, setUpFontconfig } from "./fontconfig.ts";
import {
  type Coverage,
  checkFont,
  coverageOf,
  FONT_SNIFF_LENGTH,
  namesOf,
  readFaces,
  readFirst,
  type Sfnt,
  writeFace,
} from "./sfnt.ts";

/** A family by its name, or the bytes of a font file. */
export type FontRef = string | Uint8Array;

/** Bytes of a fetched font file at most: those of Chinese, Japanese and Korean in one are 20 MB. */
const MAX_FONT_BYTES = 32 * 1024 * 1024;

/** Font files that a process loads from origins at most, and their bytes: fontconfig removes none. */
const MAX_FONT_FILES = 500;
const MAX_STORED_BYTES = 512 * 1024 * 1024;

/** A font as it is drawn with: one style of a family. */
export interface Face {
  coverage(): Promise<Coverage>;
  /** Its name for Pango, once fontconfig knows it. */
  family(): Promise<string>;
  /** From a file of an origin: it may be bolder and more slanted than it is, and its glyphs of any size. */
  readonly custom: boolean;
}

export interface FontsOptions {
  /** Folders with more font files, as those of the system. */
  readonly folders?: readonly string[];
  /** Where a program's packages are looked for. @default the working folder */
  readonly base?: string;
}

/**
 * Reads a font file of an origin for `renderText`. `EINVAL` for what is no TrueType or OpenType font, recognized by its first bytes;
 * `ELIMIT` beyond 32 MB.
 */
export async function readFont(source: Source): Promise<Uint8Array> {
  checkFont(await source.peek(FONT_SNIFF_LENGTH));
  return source.bytes(MAX_FONT_BYTES);
}

/** The fonts of a process: those that are installed, and those of origins. Nothing is read before a text is drawn. */
export class Fonts {
  readonly #packaged: readonly FontFamily[];
  /** Font files in the folders. */
  readonly #own: readonly string[];
  readonly #faces = new Map<string, Face>();
  /** Unique to this instance: fontconfig keeps names whose files are removed. */
  readonly #suffix = letters(randomBytes(4));
  #families: Promise<readonly FontFamily[]> | undefined;
  #folder: Promise<string> | undefined;
  #files = 0;
  #stored = 0;

  constructor({ folders = [], base }: FontsOptions = {}) {
    this.#packaged = findFamilies(base);
    this.#own = folders.flatMap(filesIn);
  }

  /** Differs where texts may be drawn in other fonts. */
  fingerprint(): string {
    const packaged = this.#packaged.map(({ key, version }) => `${key}@${version}`);
    const own = this.#own.map((file) => `${basename(file)} ${statSync(file).size}`);
    return createHash("sha256")
      .update(JSON.stringify([packaged, own]))
      .digest("hex")
      .slice(0, 16);
  }

  /** The face of a text. A family that is not installed is the default one, a style that it does not have its regular. */
  async choose(font: FontRef | undefined, bold: boolean, italic: boolean): Promise<Face> {
    if (font instanceof Uint8Array) return this.#custom(font);
    const families = await this.#find();
    const key = familyKey(font ?? DEFAULT_FAMILY);
    const byKey = (requested: string | undefined) => families.find((family) => family.key === requested);
    const family = byKey(key) ?? byKey(ALIASES[key]) ?? byKey(DEFAULT_FAMILY) ?? families[0];
    if (!family) throw new MediaError("EINTERNAL", "No font is installed");
    return this.#face(fileOf(family, bold, italic));
  }

  /** A note for the author of a text about a family that is not installed; `undefined`: it is installed. */
  async noteOn(font: string): Promise<string | undefined> {
    const families = await this.#find();
    const key = familyKey(font);
    if (families.some((family) => family.key === key || family.key === ALIASES[key])) return undefined;
    const near = nearest(
      key,
      families.map((family) => family.key),
    );
    const hint = near === undefined ? "" : `, did you mean "${near}"?`;
    return `the font '${printable(font)}' is not installed, Open Sans takes its place${hint}`;
  }

  /** Faces for characters that the chosen face lacks, in the order to try. */
  async others(text: string, bold: boolean, italic: boolean): Promise<{ text: Face[]; emoji: Face[] }> {
    const families = await this.#find();
    const main = families.filter(({ key }) => key === DEFAULT_FAMILY);
    const rest = families.filter(({ covers }) => covers !== undefined && covers !== "emoji");
    const first = countryOf(text);
    const sorted = [
      ...main,
      ...rest.filter(({ covers }) => covers === "script"),
      ...rest.filter(({ covers }) => covers === first),
      ...rest.filter(({ covers }) => covers !== "script" && covers !== first),
    ];
    const faces = (list: readonly FontFamily[]) =>
      list.map((family) => this.#face(fileOf(family, bold, italic)));
    return { text: faces(sorted), emoji: faces(families.filter(({ covers }) => covers === "emoji")) };
  }

  /** Removes what was written to disk. */
  async close(): Promise<void> {
    const folder = await this.#folder?.catch(() => undefined);
    this.#folder = undefined;
    this.#faces.clear();
    if (folder) await rm(folder, { recursive: true, force: true });
  }

  #find(): Promise<readonly FontFamily[]> {
    this.#families ??= this.#findAll().catch((error) => {
      this.#families = undefined;
      throw error;
    });
    return this.#families;
  }

  async #findAll(): Promise<readonly FontFamily[]> {
    const known = new Set(this.#packaged.map(({ key }) => key));
    const own = await familiesOf(this.#own);
    return [...this.#packaged, ...own.filter(({ key }) => !known.has(key))];
  }

  #face(file: string): Face {
    return this.#memoize(file, () => {
      const [, path = file, index = "0"] = /^(.*)#(\d+)$/s.exec(file) ?? [];
      return this.#make(async () => readFaces(await readFile(path))[Number(index)] as Sfnt, file, false);
    });
  }

  #custom(bytes: Uint8Array): Face {
    const name = createHash("sha256").update(bytes).digest("hex");
    const known = this.#faces.get(name);
    if (known) return known;
    if (this.#files >= MAX_FONT_FILES || this.#stored + bytes.length > MAX_STORED_BYTES) {
      throw new MediaError(
        "ELIMIT",
        `Expected at most ${MAX_FONT_FILES} font files of ${MAX_STORED_BYTES} bytes`,
      );
    }
    const sfnt = readFirst(bytes);
    // Throws for a broken one, before it counts.
    coverageOf(sfnt);
    this.#files++;
    this.#stored += bytes.length;
    return this.#memoize(name, () => this.#make(async () => sfnt, name, true));
  }

  #memoize(name: string, make: () => Face): Face {
    const face = this.#faces.get(name) ?? make();
    this.#faces.set(name, face);
    return face;
  }

  #make(read: () => Promise<Sfnt>, name: string, custom: boolean): Face {
    const family = `${FAMILY_PREFIX}${this.#suffix}${letters(createHash("sha256").update(name).digest().subarray(0, 10))}`;
    return {
      coverage: memoizeAsync(async () => coverageOf(await read())),
      family: memoizeAsync(async () => {
        const file = join(await this.#temporary(), family);
        await writeFile(file, writeFace(await read(), family));
        await register(family, file);
        return family;
      }),
      custom,
    };
  }

  /** Throws `EBUSY` if there is no room for it. */
  async #temporary(): Promise<string> {
    this.#folder ??= mkdtemp(join(setUpFontconfig(), "files-"));
    try {
      return await this.#folder;
    } catch (error) {
      this.#folder = undefined;
      throw error;
    }
  }
}

/** Memoizes an async function. Calls it again only after a failure; then releases it, and the bytes that it captures. */
function memoizeAsync<T>(make: () => Promise<T>): () => Promise<T> {
  let factory: (() => Promise<T>) | undefined = make;
  let promise: Promise<T> | undefined;
  const start = async (): Promise<T> => {
    const value = await (factory as () => Promise<T>)();
    factory = undefined;
    return value;
  };
  return () => {
    promise ??= start().catch((error) => {
      promise = undefined;
      throw error;
    });
    return promise;
  };
}

/** Bytes in letters alone: Pango takes a number at the end of a name for a size. */
const letters = (bytes: Uint8Array) =>
  Array.from(bytes, (byte) => String.fromCharCode(97 + (byte >> 4), 97 + (byte & 15))).join("");

/** Makes a font file known to fontconfig, which sharp does with the first text that names it. */
async function register(family: string, fontfile: string): Promise<void> {
  const text = `<span font_family="${family}" fallback="false">.</span>`;
  await openImage({ text: { text, fontfile, rgba: true, dpi: 72 } })
    .raw()
    .toBuffer()
    // A font without a full stop draws nothing, which is an error.
    .catch(() => undefined);
}

const fileOf = ({ regular, ...family }: FontFamily, bold: boolean, italic: boolean): string =>
  (bold && italic && family.boldItalic) || (bold && family.bold) || (italic && family.italic) || regular;

/** Chinese characters have one code and several shapes: the letters beside them decide. */
function countryOf(text: string): FontFamily["covers"] {
  if (/[\p{Script=Hiragana}\p{Script=Katakana}]/u.test(text)) return "ja";
  return /\p{Script=Hangul}/u.test(text) ? "ko" : "zh";
}

/** Font files in a folder and below it, always in the same order. Throws `ECONFIG` where it cannot be read. */
function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(?:ttf|otf|ttc|otc)$/i.test(name))
      .sort()
      .map((name) => join(folder, name));
  } catch (cause) {
    throw new MediaError("ECONFIG", `image-sharp: "fontFolders" names ${folder}, which cannot be read`, {
      cause,
    });
  }
}

/** The families of files, by what the fonts call themselves; all of them stand in for missing signs. */
async function familiesOf(files: readonly string[]): Promise<readonly FontFamily[]> {
  const stylesByKey = new Map<
    string,
    Partial<Record<"regular" | "bold" | "italic" | "boldItalic", string>>
  >();
  for (const path of files) {
    const faces = await readFile(path)
      .then(readFaces)
      .catch(() => []);
    for (const [index, face] of faces.entries()) {
      const names = namesOf(face);
      if (!names || names.odd) continue;
      const key = familyKey(names.family);
      const styles = stylesByKey.get(key) ?? {};
      stylesByKey.set(key, styles);
      const style = names.bold ? (names.italic ? "boldItalic" : "bold") : names.italic ? "italic" : "regular";
      styles[style] ??= `${path}#${index}`;
    }
  }
  return [...stylesByKey].map(([key, styles]) => {
    const regular = styles.regular ?? styles.bold ?? styles.italic ?? styles.boldItalic ?? "";
    return { key, version: "", covers: "script", ...styles, regular };
  });
}
