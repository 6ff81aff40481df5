/** A report of ffprobe, as far as it is needed. */
export interface Report {
  readonly streams?: readonly ReportedStream[];
  readonly format?: {
    readonly duration?: string;
    readonly start_time?: string;
    readonly bit_rate?: string;
  };
}

export interface ReportedStream {
  readonly codec_type?: string;
  readonly codec_name?: string;
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

/** The same from what `ffmpeg -i` reports: for machines without ffprobe. */
export function readReport(text: string): Report {
  const [, ofInput = ""] = text.split(/^Input #0, /m);
  const [report = ""] = ofInput.split(/^(?:Stream mapping|Output #0)/m);
  const [head = "", ...streams] = report.split(/^ {2,4}(?=Stream #0:\d+)/m);
  const [, hours, minutes, seconds] = /^ {2}Duration: (\d+):(\d+):([\d.]+)/m.exec(head) ?? [];
  const [, kilobits] = /bitrate: (\d+) kb\/s$/m.exec(head) ?? [];
  return {
    streams: streams.map(streamOf),
    format: {
      ...(seconds && { duration: String(Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) }),
      ...(kilobits && { bit_rate: `${kilobits}000` }),
    },
  };
}

/** `Stream #0:0[0x1](und): Video: h264 (High) (avc1 / 0x31637661), yuv420p(tv, bt709, progressive), 320x180 [SAR 1:1 DAR 16:9], 25 fps, 25 tbr`. */
function streamOf(text: string): ReportedStream {
  const [line = ""] = text.split("\n", 1);
  const [, type = "", description = ""] = /^Stream #\S+?: (\w+): (.*)$/.exec(line) ?? [];
  const [, language] = /^Stream #\S+?\((\w+)\)/.exec(line) ?? [];
  const fields = description.split(/, (?![^(]*\))/);
  const [codec] = /^\w+/.exec(description) ?? [];
  const tags = language ? { language } : {};
  const common = { codec_type: type.toLowerCase(), ...(codec && { codec_name: codec }), tags };
  if (type === "Audio") {
    const rate = /(\d+) Hz/.exec(description)?.[1];
    return { ...common, ...(rate && { sample_rate: rate }), channels: channelsOf(fields[2] ?? "") };
  }
  if (type !== "Video") return common;
  const [, width, height, aspect] = /, (\d+)x(\d+)(?: \[SAR (\d+:\d+) )?/.exec(description) ?? [];
  const [, pixels, details = ""] = /^(\w+)(?:\((.*)\))?/.exec(fields[1] ?? "") ?? [];
  const [matrix, , transfer] = coloursOf(details);
  const rotation = /rotation of (-?[\d.]+) degrees/.exec(text)?.[1];
  const alpha = /^\s+alpha_mode\s*: (\d)/im.exec(text)?.[1];
  const [mean, fitting] = [rateIn(description, "fps"), rateIn(description, "tbr")];
  return {
    ...common,
    ...(pixels && { pix_fmt: pixels }),
    ...(width && { width: Number(width), height: Number(height) }),
    ...(aspect && { sample_aspect_ratio: aspect }),
    ...(matrix && { color_space: matrix }),
    ...(transfer && { color_transfer: transfer }),
    ...(mean && { avg_frame_rate: mean }),
    ...(fitting && { r_frame_rate: fitting }),
    ...(description.includes("(attached pic)") && { disposition: { attached_pic: 1 } }),
    ...(rotation && { side_data_list: [{ rotation: Number(rotation) }] }),
    ...(alpha && { tags: { ...tags, alpha_mode: alpha } }),
  };
}

/** Matrix, primaries and transfer function: one word if they are the same. */
function coloursOf(details: string): readonly (string | undefined)[] {
  const words = details.split(/, */);
  const three = words.map((word) => word.split("/")).find(({ length }) => length === 3);
  if (three) return three.map((word) => (word === "unknown" ? undefined : word));
  const shared = words.find((word) => /^(?:bt|smpte|film|fcc|gbr|iec)/.test(word));
  return [shared, shared, shared];
}

/** A rate as a fraction. ffmpeg rounds it to two digits: those of television are meant. */
function rateIn(description: string, unit: "fps" | "tbr"): string | undefined {
  const [, number, thousand] = new RegExp(`, ([\\d.]+)(k?) ${unit}`).exec(description) ?? [];
  if (!number) return undefined;
  const rate = Number(number) * (thousand ? 1_000 : 1);
  const exact = [24, 30, 48, 60, 120].find(
    (exactRate) => Math.abs((exactRate * 1_000) / 1_001 - rate) < 0.006,
  );
  return exact ? `${exact * 1_000}/1001` : `${Math.round(rate * 1_000)}/1000`;
}

/** Channels of a layout: `mono`, `stereo`, `5.1(side)`, `6 channels`. */
function channelsOf(layout: string): number {
  const [, counted, dotted] = /^(?:(\d+) channels|(\d+(?:\.\d+)+))/.exec(layout) ?? [];
  if (counted) return Number(counted);
  if (dotted) return dotted.split(".").reduce((sum, count) => sum + Number(count), 0);
  return { mono: 1, quad: 4 }[layout.replace(/\(.*$/, "")] ?? 2;
}
