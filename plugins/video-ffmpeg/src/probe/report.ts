/** What ffprobe says of a file, as far as it is of use. */
export interface Found {
  readonly streams?: readonly FoundStream[];
  readonly format?: {
    readonly duration?: string;
    readonly start_time?: string;
    readonly bit_rate?: string;
  };
}

export interface FoundStream {
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly profile?: string;
  readonly level?: number;
  readonly width?: number;
  readonly height?: number;
  readonly sample_aspect_ratio?: string;
  readonly pix_fmt?: string;
  readonly field_order?: string;
  readonly color_transfer?: string;
  readonly color_space?: string;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly duration?: string;
  readonly channels?: number;
  readonly sample_rate?: string;
  readonly disposition?: { readonly attached_pic?: number };
  readonly tags?: Readonly<Record<string, string>>;
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}

/** Channels by the name of their layout; `5.1(side)` and the like are added up. */
const LAYOUTS: Readonly<Record<string, number>> = { mono: 1, stereo: 2, quad: 4 };

/** The same out of what `ffmpeg -i` reports: all but the level of a codec. */
export function readReport(text: string): Found {
  const [, ofInput = ""] = text.split(/^Input #0, /m);
  const [report = ""] = ofInput.split(/^(?:Stream mapping|Output #0)/m);
  const whole = /^ {2}Duration: (?:(\d+):(\d+):([\d.]+)|N\/A).*?(?:bitrate: (?:(\d+) kb\/s|N\/A))?$/m.exec(
    report,
  );
  const [, hours, minutes, seconds, bitrate] = whole ?? [];
  const duration = Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds);
  return {
    streams: report
      .split(/^ {2,4}(?=Stream #0:\d+)/m)
      .slice(1)
      .map(streamOf),
    format: {
      ...(Number.isFinite(duration) && { duration: duration.toFixed(2) }),
      ...(bitrate && { bit_rate: `${bitrate}000` }),
    },
  };
}

function streamOf(text: string): FoundStream {
  const [line = ""] = text.split("\n", 1);
  const [, type = "", said = ""] = /^Stream #\S+?: (\w+): (.*)$/.exec(line) ?? [];
  const parts = outside(said);
  const [, codec, profile] = /^(\w+)(?: \(([^()/]+)\))?/.exec(parts[0] ?? "") ?? [];
  const common = { codec_type: type.toLowerCase(), ...(codec && { codec_name: codec }) };
  if (type === "Audio") {
    const rate = /(\d+) Hz/.exec(said)?.[1];
    return { ...common, ...(rate && { sample_rate: rate }), channels: channelsOf(parts[2] ?? "") };
  }
  if (type !== "Video") return common;
  const size = parts.map((part) => /^(\d+)x(\d+)(?: \[SAR (\d+:\d+) )?/.exec(part)).find(Boolean);
  const [, pixels, details = ""] = /^(\w+)(?:\((.*)\))?/.exec(parts[1] ?? "") ?? [];
  const [matrix, , transfer] = coloursIn(details);
  const turned = /rotation of (-?[\d.]+) degrees/.exec(text)?.[1];
  const alpha = /^\s+alpha_mode\s*: (\d)/im.exec(text)?.[1];
  return {
    ...common,
    ...(profile && { profile }),
    ...(pixels && { pix_fmt: pixels }),
    ...(size && { width: Number(size[1]), height: Number(size[2]) }),
    ...(size?.[3] && { sample_aspect_ratio: size[3] }),
    ...(matrix && { color_space: matrix }),
    ...(transfer && { color_transfer: transfer }),
    ...rateIn(said),
    ...(/\(attached pic\)/.test(said) && { disposition: { attached_pic: 1 } }),
    ...(turned && { side_data_list: [{ rotation: Number(turned) }] }),
    ...(alpha && { tags: { alpha_mode: alpha } }),
  };
}

/** The parts between commas that stand in no brackets. */
function outside(text: string): string[] {
  const parts = [""];
  let depth = 0;
  for (const character of text) {
    if (character === "(" || character === "[") depth++;
    if (character === ")" || character === "]") depth--;
    if (character === "," && depth <= 0) parts.push("");
    else parts[parts.length - 1] += character;
  }
  return parts.map((part) => part.trim());
}

/** Matrix, primaries and transfer function: one word where they are the same. */
function coloursIn(details: string): readonly (string | undefined)[] {
  const words = details.split(",").map((word) => word.trim());
  const three = words.find((word) => word.split("/").length === 3);
  const known = (word: string | undefined) => (word === "unknown" ? undefined : word);
  if (three) return three.split("/").map(known);
  const one = words.find((word) => /^(?:bt|smpte|film|fcc|gbr|iec)/.test(word));
  return [one, one, one];
}

function rateIn(said: string): Pick<FoundStream, "avg_frame_rate" | "r_frame_rate"> {
  const named = (unit: string) => {
    const [, rate, thousand] = new RegExp(`, ([\\d.]+)(k?) ${unit}`).exec(said) ?? [];
    return rate ? fractionOf(Number(rate) * (thousand ? 1_000 : 1)) : undefined;
  };
  const [mean, fitting] = [named("fps"), named("tbr")];
  return {
    ...(mean && { avg_frame_rate: mean }),
    ...(fitting && { r_frame_rate: fitting }),
  };
}

/** A rate that is rounded to two digits: those of television are meant. */
function fractionOf(rate: number): string {
  const exact = [24, 30, 48, 60, 120].find((whole) => Math.abs((whole * 1_000) / 1_001 - rate) < 0.006);
  return exact ? `${exact * 1_000}/1001` : `${Math.round(rate * 1_000)}/1000`;
}

function channelsOf(layout: string): number {
  const name = layout.replace(/\(.*$/, "").trim();
  const counted = /^(\d+) channels/.exec(layout)?.[1];
  const added = /^\d+(?:\.\d+)+$/.test(name)
    ? name.split(".").reduce((sum, part) => sum + Number(part), 0)
    : 2;
  return counted ? Number(counted) : (LAYOUTS[name] ?? added);
}
