import { z } from "zod";

const color = z.string().regex(/^#[0-9a-fA-F]{6}$/, "Expected a colour like #ffffff");

const quality = z.number().int().min(1).max(100);

export const imageSharpSchema = z.strictObject({
  /** 0 (fast) to 9; each step above 2 about doubles the time. @default 1 */
  avifEffort: z.number().int().min(0).max(9).default(1),
  /** 0 (fast) to 6. @default 2 */
  webpEffort: z.number().int().min(0).max(6).default(2),
  /** 1 (fast) to 10. @default 1 */
  gifEffort: z.number().int().min(1).max(10).default(1),
  /** Smaller JPEGs for about 1.7 times the work. @default false */
  mozjpeg: z.boolean().default(false),
  /** What clear pixels of a JPEG lie on where the URL names no background: `#rrggbb`. @default "#000000" */
  jpegBackground: color.default("#000000"),
  /** Let decoders do more of the scaling: faster, a little less faithful. @default true */
  fastShrinkOnLoad: z.boolean().default(true),
  /** Sources whose headers are remembered. @default 10000 */
  headers: z.number().int().min(1).default(10_000),
  /** Folders with further fonts (TTF, OTF, TTC) for texts, as `/usr/share/fonts`; read with the first text. @default [] */
  fontFolders: z.array(z.string().min(1)).readonly().default([]),
  /** Keep the gain maps of HDR photographs where that is possible; it takes much more work. @default false */
  gainMaps: z.boolean().default(false),
  /** How the quality is searched if an endpoint's `quality` is "auto". */
  autoQuality: z
    .strictObject({
      /** How alike picture and result have to be: mean SSIM of the luma, 0.5–1. @default 0.96 */
      target: z.number().min(0.5).max(1).default(0.96),
      /** Least quality. @default 40 */
      min: quality.default(40),
      /** Highest quality: a picture that needs more does not get it. @default 80 */
      max: quality.default(80),
      /** How often a picture is written at most, 1–8; each try halves the range. @default 4 */
      tries: z.number().int().min(1).max(8).default(4),
    })
    .refine(({ min, max }) => min <= max, "Expected min to be at most max")
    .prefault({}),
});

export type ImageSharpOptions = z.input<typeof imageSharpSchema>;

export type Settings = z.output<typeof imageSharpSchema>;
