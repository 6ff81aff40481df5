import { type Dirent, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { styleOf } from "./style.ts";

/** A family of fonts and the files that it consists of. */
export interface FontFamily {
  /** As `familyKey` writes it. */
  readonly key: string;
  /** Of its package. */
  readonly version: string;
  /** Paths of TrueType or OpenType files. */
  readonly regular: string;
  readonly bold?: string;
  readonly italic?: string;
  readonly boldItalic?: string;
  /**
   * What it draws that other fonts lack: the signs of a script, Chinese characters in one country's shapes, or emoji. Left
   * out: it is used only if it is requested.
   */
  readonly covers?: "script" | "zh" | "zh-Hant" | "ja" | "ko" | "emoji";
}

/** What names of families are compared by: `PT_Serif`, `pt-serif` and `PT Serif` are one. */
export const familyKey = (name: string): string => name.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** The family of texts that name none, or name one that is not installed. */
export const DEFAULT_FAMILY = "opensans";

/** Other names of families, for languages that know them so. */
export const ALIASES: Readonly<Record<string, string>> = {
  fredokaone: "fredoka",
  oldstandard: "oldstandardtt",
};

type Covers = FontFamily["covers"];

/** Packages of one family each whose names do not contain it. */
const SINGLE_FAMILY_PACKAGES: Readonly<Record<string, { key: string; covers: Covers }>> = {
  "fonts-arabic": { key: "notonaskharabic", covers: "script" },
  "fonts-hebrew": { key: "notosanshebrew", covers: "script" },
  "fonts-sc": { key: "notosanssc", covers: "zh" },
  "fonts-tc": { key: "notosanstc", covers: "zh-Hant" },
  "fonts-jp": { key: "notosansjp", covers: "ja" },
  "fonts-kr": { key: "notosanskr", covers: "ko" },
};

const SCOPES = ["@expo-google-fonts", "@embedpdf"] as const;

/**
 * Every family whose package is installed, for this package or for the program that runs in `base`; those that cover
 * scripts in the order in which they are to be tried. The packages known: all of `@expo-google-fonts`, and those of
 * `@embedpdf` with fonts in them.
 */
export function findFamilies(base: string = process.cwd()): readonly FontFamily[] {
  const familiesByKey = new Map<string, FontFamily>();
  for (const folder of nodeModules(base)) {
    for (const scope of SCOPES) {
      for (const { name } of list(join(folder, scope))) {
        const match =
          scope === "@embedpdf"
            ? SINGLE_FAMILY_PACKAGES[name]
            : { key: familyKey(name), covers: coverOf(name) };
        if (!match || familiesByKey.has(match.key)) continue;
        const family = readPackage(join(folder, scope, name), match);
        if (family) familiesByKey.set(match.key, family);
      }
    }
  }
  return [...familiesByKey.values()].sort((a, b) => rank(a) - rank(b) || (a.key < b.key ? -1 : 1));
}

/** The folders in which Node resolves a package: for this one first, since these versions were chosen for it. */
function nodeModules(base: string): readonly string[] {
  const from = (folder: string) => createRequire(join(folder, "_.js")).resolve.paths("a") ?? [];
  return [...new Set([...from(import.meta.dirname), ...from(base)])];
}

function list(folder: string): readonly Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch {
    return [];
  }
}

function versionOf(folder: string): string {
  try {
    return String(JSON.parse(readFileSync(join(folder, "package.json"), "utf8")).version);
  } catch {
    return "0.0.0";
  }
}

/** What a family of Google's covers: the Noto fonts are made so that every character has a glyph. */
function coverOf(name: string): Covers {
  if (!name.startsWith("noto-")) return undefined;
  if (name.includes("emoji")) return "emoji";
  const country = /-(?:sans|serif)-(sc|tc|hk|jp|kr)$/.exec(name)?.[1];
  if (!country) return "script";
  return ({ sc: "zh", tc: "zh-Hant", hk: "zh-Hant", jp: "ja", kr: "ko" } as const)[country];
}

function readPackage(
  folder: string,
  { key, covers }: { key: string; covers: Covers },
): FontFamily | undefined {
  const files: Record<string, string> = {};
  for (const entry of list(folder)) {
    const inner = entry.isDirectory() && entry.name !== "node_modules";
    const names = inner ? list(join(folder, entry.name)).map(({ name }) => name) : [entry.name];
    for (const name of names) {
      const style = styleOf(name);
      if (style) files[style] ??= inner ? join(folder, entry.name, name) : join(folder, name);
    }
  }
  const { regular = files.bold, ...rest } = files;
  if (regular === undefined) return undefined;
  return { key, version: versionOf(folder), regular, ...rest, ...(covers && { covers }) };
}

/** Scripts before Chinese characters, emoji last; sans before serif, colours before black and white. */
function rank({ key, covers }: FontFamily): number {
  const order = ["script", "zh", "zh-Hant", "ja", "ko", "emoji"].indexOf(covers ?? "");
  return 2 * order + (/^noto(sans|color)/.test(key) ? 0 : 1);
}
