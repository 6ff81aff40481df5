import {
  type Header,
  type Job,
  type Limits,
  MediaError,
  type Output,
  type Size,
  type Step,
} from "@mediatap/core";
import type { ImageFormat } from "@mediatap/core/steps";
import { megapixels } from "../pixels/size.ts";

/** Formats that this engine writes. */
export type WriteFormat = Exclude<ImageFormat, "svg">;

/** Longest side in pixels that a format allows, or that libvips writes. */
const MAX_SIDE: Readonly<Record<WriteFormat, number>> = {
  jpeg: 65535,
  png: 2 ** 31 - 1,
  webp: 16383,
  avif: 16384,
  gif: 65535,
};

export interface Choice {
  readonly format: WriteFormat;
  /** The reason, for `explain`. */
  readonly why: string;
  /** Others to be written, too: the smallest is kept. */
  readonly others?: readonly WriteFormat[];
}

export interface FormatOptions {
  readonly output: Output;
  readonly accept: Job["accept"];
  readonly header: Header;
  readonly steps: readonly Step[];
  /** Of one frame of the result. */
  readonly size: Size;
  readonly alpha: boolean;
  /** The step of another plugin for which an opaque source counts as transparent. */
  readonly clearedBy?: string;
  readonly animated: boolean;
  /** The source's gain map could go along, in a JPEG. */
  readonly gainMap: boolean;
}

/** The output format, by rule; or several of which the smallest is kept, if that is requested. */
export function chooseFormat(request: FormatOptions, limits: Limits): Choice {
  const { output, header } = request;
  const { animated } = request;
  switch (output.format ?? "auto") {
    case "auto":
      return automatic(request, limits);
    case "source":
      return sameAsSource(request);
    case "gif":
      if (header.format !== "gif" && !(header.format === "apng" && animated)) {
        throw new MediaError("EINVAL", "Expected a GIF or an animated PNG for GIF output");
      }
      return { format: "gif", why: "asked for" };
    case "svg":
      throw new MediaError("EINVAL", "Expected an SVG source for SVG output");
    default:
      return named(request, output.format as WriteFormat, limits);
  }
}

function named({ size, header, animated }: FormatOptions, format: WriteFormat, limits: Limits): Choice {
  const received = megapixels(size);
  if (format === "avif" && received > limits.avifMegapixels) {
    throw new MediaError(
      "ELIMIT",
      `Expected at most ${limits.avifMegapixels} megapixels for AVIF but received ${received.toFixed(1)}`,
    );
  }
  if (!canHold(format, size)) {
    throw new MediaError("ELIMIT", `Expected at most ${MAX_SIDE[format]} pixels a side for ${format}`);
  }
  const stills = header.frames > 1 && !animated ? ", of the first frame" : "";
  return { format, why: `asked for${stills}` };
}

const isWritten = (format: string): format is WriteFormat => format in MAX_SIDE;

const canHold = (format: WriteFormat, { width, height }: Size) => Math.max(width, height) <= MAX_SIDE[format];

function sameAsSource({ header, alpha, animated }: FormatOptions): Choice {
  if (animated && header.format === "apng") return { format: "webp", why: "apng is not written" };
  if (isWritten(header.format)) return { format: header.format, why: "as the source" };
  return { format: alpha ? "png" : "jpeg", why: `${header.format} is not written` };
}

function automatic(request: FormatOptions, limits: Limits): Choice {
  const { output, accept, animated } = request;
  const candidates = animated ? animatedChoices(accept) : stillChoices(request, limits);
  const isAllowed = ({ format }: Choice) =>
    canHold(format, request.size) && (output.allowed?.includes(format) ?? true);
  const chosen =
    (output.smallest && accept !== "jpeg" && smallest(request, candidates.filter(isAllowed))) ||
    candidates.find(isAllowed);
  if (chosen) return chosen;
  throw new MediaError(
    "EINVAL",
    `Expected a format among ${output.allowed?.join(", ") ?? "those of this server"}`,
  );
}

/** What may hold the picture as well as any other. `undefined`: not more than one. */
function smallest(request: FormatOptions, candidates: readonly Choice[]): Choice | undefined {
  const { output, header, alpha, animated } = request;
  const lossless = output.lossless === true;
  const competes: Partial<Record<WriteFormat, boolean>> = {
    jpeg: !alpha && !lossless,
    png: alpha || lossless || header.palette || header.format === "png",
    gif: header.format === "gif",
  };
  const formats = new Set(
    candidates.map(({ format }) => format).filter((format) => competes[format] ?? true),
  );
  const [format, ...others] = formats;
  if (!format || others.length === 0) return undefined;
  return { format, others, why: `the smallest of ${[...formats].join(", ")}${animated ? ", animated" : ""}` };
}

const acceptsWebp = (accept: Job["accept"]) => accept !== "basic" && accept !== "jpeg";

const animatedChoices = (accept: Job["accept"]): Choice[] => [
  ...(acceptsWebp(accept) ? [{ format: "webp", why: "animated, and the client accepts WebP" } as const] : []),
  { format: "gif", why: "animated, and the client does not accept WebP" },
];

/** Best first. The last ones are for what no better format may or can hold. */
function stillChoices(request: FormatOptions, limits: Limits): Choice[] {
  const { output, accept, header, steps, size, alpha, clearedBy, gainMap } = request;
  const small = megapixels(size) <= limits.avifAutoMegapixels;
  // AVIF readers disagree on embedded profiles, and AVIF smooths away what unsharp masking brings out. HEIC becomes AVIF only
  // if it is requested by name, as ImageKit does.
  const avif =
    accept === "avif" &&
    header.format !== "heic" &&
    output.colorProfile !== "keep" &&
    !steps.some(({ op }) => op === "unsharp");
  const slow = `over ${limits.avifAutoMegapixels} megapixels, too slow as AVIF`;
  const choices: (Choice | false)[] = [
    gainMap &&
      !output.smallest &&
      !output.lossless && { format: "jpeg", why: "only JPEG carries the gain map" },
    avif && small && { format: "avif", why: "the client accepts AVIF" },
    acceptsWebp(accept) && { format: "webp", why: avif && !small ? slow : "the client accepts WebP" },
    accept === "jpeg" &&
      output.lossless !== true && { format: "jpeg", why: "the URL ends like that of a JPEG" },
    alpha && {
      format: "png",
      why: clearedBy ? `step ${clearedBy} may make it transparent` : "the picture has transparency",
    },
    header.palette && { format: "png", why: "the source has a palette" },
    output.lossless === true && { format: "png", why: "lossless" },
    { format: "jpeg", why: "the picture is opaque" },
    { format: "png", why: "nothing else may or can hold it" },
  ];
  return choices.filter((choice) => choice !== false);
}
