import { MediaError } from "@mediatap/core";
import { type Pixels, pixelsOf } from "../pixels/buffer.ts";
import { openImage } from "../pixels/image.ts";
import type { Fonts } from "./fonts.ts";
import { inset, linesOf, type Run, runsOf, withBreaks } from "./runs.ts";
import type { TextBox } from "./style.ts";
import { escapeXml } from "./xml.ts";

/** The visible pixels of a text, in four channels. */
export type Ink = Pick<Pixels, "data" | "width" | "height">;

/** A text whose characters all have a font. */
export interface Layout {
  /** It uses a font of an origin. */
  readonly custom: boolean;
  /** Renders it at a fraction of its size, without a box. `undefined`: it has no visible pixels. */
  render(scale: number): Promise<Ink | undefined>;
}

/** Pango's units in a point; a point is a pixel at 72 dpi. */
const PANGO_UNITS = 1024;

/** Prepares a text: which runs use which font. `undefined`: it has nothing to draw. */
export async function layOut(box: TextBox, fonts: Fonts): Promise<Layout | undefined> {
  const lines = linesOf(box.text);
  if (!lines.some((line) => /\S/.test(line))) return undefined;
  const { bold, italic } = box;
  const main = await fonts.choose(box.font, bold, italic);
  const others = await fonts.others(box.text, bold, italic);
  const name = await main.family();
  const lineWidth = lineWidthOf(box);
  const markup: string[] = [];
  for (const line of lines) {
    const brokenLine = lineWidth === undefined ? line : withBreaks(line);
    const runs = await runsOf(inset(brokenLine), main, others);
    markup.push((await Promise.all(runs.map((run) => markupOf(run, box)))).join(""));
  }
  const text = markup.join("\n");
  return {
    custom: main.custom,
    render: (scale) =>
      renderMarkup(text, name, box, lineWidth, scale).catch((error) => failed(error, main.custom)),
  };
}

/** Width that padding leaves for the lines. */
export function lineWidthOf({ width, padding: [, right, , left] }: TextBox): number | undefined {
  return width === undefined ? undefined : Math.round(width) - Math.round(left) - Math.round(right);
}

async function markupOf({ face, text }: Run, { bold, italic }: TextBox): Promise<string> {
  // Families have files for what they can; a single file is made bolder and slanted by fontconfig.
  const weight = face.custom && bold ? ' weight="bold"' : "";
  const style = face.custom && italic ? ' style="italic"' : "";
  return `<span font_family="${await face.family()}" fallback="false"${weight}${style}>${escapeXml(text)}</span>`;
}

async function renderMarkup(
  text: string,
  family: string,
  { size, lineHeight, strikethrough, align, color: { r, g, b } }: TextBox,
  lineWidth: number | undefined,
  scale: number,
): Promise<Ink | undefined> {
  const color = [r, g, b].map((value) => Math.round(value).toString(16).padStart(2, "0")).join("");
  // A height of up to 1024 units would be taken for a factor.
  const height = lineHeight && Math.max(PANGO_UNITS + 1, Math.round(lineHeight * scale * PANGO_UNITS));
  const attributes = [
    `size="${Math.max(1, Math.round(size * scale * PANGO_UNITS))}"`,
    `foreground="#${color}"`,
    'lang="en" insert_hyphens="false"',
    strikethrough && 'strikethrough="true"',
    height && `line_height="${height}"`,
  ];
  const image = openImage({
    text: {
      text: `<span ${attributes.filter(Boolean).join(" ")}>${text}</span>`,
      // For lines without text.
      font: `${family}, ${size * scale}`,
      align,
      rgba: true,
      dpi: 72,
      ...(lineWidth !== undefined && {
        width: Math.max(1, Math.round(lineWidth * scale)),
        wrap: "word-char" as const,
      }),
    },
  });
  return pixelsOf(image);
}

function failed(cause: unknown, custom: boolean): undefined {
  const text = cause instanceof Error ? cause.message : "";
  if (/no text to render/.test(text)) return undefined;
  if (/too big|out of memory/.test(text)) {
    throw new MediaError("ELIMIT", "The text is too large to draw", { cause });
  }
  if (custom) throw new MediaError("EINVAL", "The font is damaged", { cause });
  throw new MediaError("EINTERNAL", "The text could not be drawn", { cause });
}
