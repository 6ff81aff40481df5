import { mkdir, symlink, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Size } from "@mediatap/core";
import type { Rgba, SubtitleStyle } from "@mediatap/core/steps";
import { ALIASES, DEFAULT_FAMILY, familyKey, findFamilies } from "@mediatap/fonts-standard";
import { BLACK, hex } from "./colour.ts";
import type { Cue } from "./cues.ts";
import { familyIn } from "./font-name.ts";

/** Subtitles to be burnt in. */
export interface SubtitleOptions {
  /** Begins the names of its files, in the folder that ffmpeg works in. */
  readonly name: string;
  /** Times are those of the filter. */
  readonly cues: readonly Cue[];
  readonly style: SubtitleStyle;
  /** Pixels of the font. */
  readonly size: number;
  readonly base: Size;
  /** Bytes of a font file of an origin. */
  readonly font?: Uint8Array;
}

/** Height of the font, as a fraction of the picture's. */
export const DEFAULT_FONT_RATIO = 1 / 16;

let families: ReturnType<typeof findFamilies> | undefined;

/** Writes what libass reads: the text as a script of our own, so that nothing in it is an instruction, and its font. */
export async function writeSubtitles(request: SubtitleOptions, folder: string): Promise<void> {
  const fonts = join(folder, `${request.name}-fonts`);
  await mkdir(fonts);
  const family = await linkFont(request, fonts);
  await writeFile(join(folder, `${request.name}.ass`), scriptOf(request, family));
}

/** Links the files of the font into the folder. Its family's name. */
async function linkFont({ style, font }: SubtitleOptions, folder: string): Promise<string> {
  if (font) {
    const path = join(folder, "font.ttf");
    await writeFile(path, font);
    return (await familyIn(path)) ?? "sans-serif";
  }
  families ??= findFamilies();
  const key = familyKey(style.font ?? DEFAULT_FAMILY);
  const byKey = (requested: string | undefined) => families?.find((family) => family.key === requested);
  const selected = byKey(key) ?? byKey(ALIASES[key]) ?? byKey(DEFAULT_FAMILY) ?? families[0];
  if (!selected) return "sans-serif";
  const { regular, bold, italic, boldItalic } = selected;
  const files = [...new Set([regular, bold, italic, boldItalic])].filter((file) => file !== undefined);
  await Promise.all(files.map((file, at) => symlink(file, join(folder, `${at}${extname(file)}`))));
  return (await familyIn(regular)) ?? "sans-serif";
}

const WHITE: Rgba = { r: 255, g: 255, b: 255, alpha: 1 };

function scriptOf({ cues, style, size, base }: SubtitleOptions, family: string): string {
  const { color = WHITE, background, bold, italic, shadow } = style;
  const outline = style.outline ?? { width: background || shadow ? 0 : Math.max(1, size / 16), color: BLACK };
  // 3: a box in the outline's colour behind each line, as far as the outline is wide; 1: letters with outline and shadow.
  const border = background ? 3 : 1;
  const fields = [
    "s",
    family.replace(/[,\n\r]/g, " "),
    size.toFixed(1),
    colour(color),
    colour(color),
    colour(background ?? outline.color),
    colour(shadow?.color ?? BLACK),
    bold ? -1 : 0,
    italic ? -1 : 0,
    ...[0, 0, 100, 100, 0, 0],
    border,
    background ? (size / 6).toFixed(1) : outline.width,
    shadow?.indent ?? 0,
    2,
    Math.round(base.width / 20),
    Math.round(base.width / 20),
    Math.round(base.height / 20),
    1,
  ];
  const dialogues = cues.map(
    ({ start, end, runs }) =>
      `Dialogue: 0,${time(start)},${time(end)},s,,0,0,0,,${runs.map(textOf).join("")}`,
  );
  return `[Script Info]
ScriptType: v4.00+
PlayResX: ${base.width}
PlayResY: ${base.height}
WrapStyle: 0
ScaledBorderAndShadow: yes

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, Alignment, MarginL, MarginR, MarginV, Encoding
Style: ${fields.join(",")}

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
${dialogues.join("\n")}
`;
}

/** 0 is opaque. */
const colour = ({ r, g, b, alpha }: Rgba) =>
  `&H${hex(255 * (1 - alpha))}${hex(b)}${hex(g)}${hex(r)}`.toUpperCase();

function time(seconds: number): string {
  const hundredths = Math.max(0, Math.round(seconds * 100));
  const [wholeSeconds, fraction] = [Math.floor(hundredths / 100), hundredths % 100];
  const two = (value: number) => String(value).padStart(2, "0");
  return `${Math.floor(wholeSeconds / 3600)}:${two(Math.floor(wholeSeconds / 60) % 60)}:${two(wholeSeconds % 60)}.${two(fraction)}`;
}

/** Text in which nothing is an instruction: braces are escaped, and what follows a backslash is kept from it. */
function textOf({ text, bold, italic }: Cue["runs"][number]): string {
  const plain = text
    .replaceAll("\\", "\\\u2060")
    .replaceAll("{", "\\{")
    .replaceAll("}", "\\}")
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they mean nothing in a line of text.
    .replace(/[\u0000-\u0009\u000b-\u001f]/g, " ")
    .replaceAll("\n", "\\N");
  const tags = [bold ? "\\b1" : "", italic ? "\\i1" : ""].join("");
  return tags ? `{${tags}}${plain}{\\r}` : plain;
}
