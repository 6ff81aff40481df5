import { crc32, deflateSync } from "node:zlib";

export type Pixel = readonly [red: number, green: number, blue: number, alpha: number];

export interface ApngFrame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly color: Pixel;
  /** Milliseconds. */
  readonly delay: number;
  readonly dispose: "none" | "background" | "previous";
  readonly blend: "source" | "over";
}

export interface ApngOptions {
  /** 0: for ever. */
  readonly plays?: number;
  /** A still for readers that know no animation, which is no frame. */
  readonly still?: Pixel;
  readonly bits?: 8 | 16;
  /** Frames that the file says it has. */
  readonly count?: number;
}

const DISPOSE = { none: 0, background: 1, previous: 2 } as const;

/** An animated PNG (PNG, third edition, §4.9) of frames of one colour each. */
export function makeApng(
  width: number,
  height: number,
  frames: readonly ApngFrame[],
  { plays = 0, still, bits = 8, count = frames.length }: ApngOptions = {},
): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([bits, 6, 0, 0, 0], 8);
  const control = Buffer.alloc(8);
  control.writeUInt32BE(count, 0);
  control.writeUInt32BE(plays, 4);
  let sequence = 0;
  const next = () => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(sequence++);
    return bytes;
  };
  const chunks = frames.flatMap((frame, at) => {
    const data = Buffer.alloc(22);
    for (const [field, value] of [frame.width, frame.height, frame.left, frame.top].entries()) {
      data.writeUInt32BE(value, field * 4);
    }
    data.writeUInt16BE(frame.delay, 16);
    data.writeUInt16BE(1000, 18);
    data.set([DISPOSE[frame.dispose], frame.blend === "over" ? 1 : 0], 20);
    const pixels = rows(frame.width, frame.height, frame.color, bits);
    const fctl = chunk("fcTL", Buffer.concat([next(), data]));
    if (at === 0 && !still) return [fctl, chunk("IDAT", pixels)];
    // In two parts, as encoders may write it.
    const half = Math.ceil(pixels.length / 2);
    return [
      fctl,
      chunk("fdAT", Buffer.concat([next(), pixels.subarray(0, half)])),
      chunk("fdAT", Buffer.concat([next(), pixels.subarray(half)])),
    ];
  });
  return Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("acTL", control),
    ...(still ? [chunk("IDAT", rows(width, height, still, bits))] : []),
    ...chunks,
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function rows(width: number, height: number, color: Pixel, bits: 8 | 16): Buffer {
  const samples = color.flatMap((value) => (bits === 16 ? [value, value] : [value]));
  const row = Buffer.from([0, ...Array.from({ length: width }, () => samples).flat()]);
  return deflateSync(Buffer.concat(Array.from({ length: height }, () => row)));
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
}

/** What a frame shows at a place, pixel by pixel as the specification defines it. */
export function shownBy(frames: readonly ApngFrame[], last: number, x: number, y: number): Pixel {
  let canvas: Pixel = [0, 0, 0, 0];
  for (const [at, frame] of frames.entries()) {
    const inside =
      x >= frame.left && x < frame.left + frame.width && y >= frame.top && y < frame.top + frame.height;
    const before = canvas;
    if (inside) canvas = frame.blend === "over" ? over(frame.color, canvas) : frame.color;
    if (at === last) return canvas;
    if (!inside || frame.dispose === "none") continue;
    canvas = frame.dispose === "previous" && at > 0 ? before : [0, 0, 0, 0];
  }
  return canvas;
}

function over([r, g, b, a]: Pixel, [R, G, B, A]: Pixel): Pixel {
  const [top, below] = [a / 255, (A / 255) * (1 - a / 255)];
  const alpha = top + below;
  const mix = (upper: number, lower: number) =>
    alpha === 0 ? 0 : Math.round((upper * top + lower * below) / alpha);
  return [mix(r, R), mix(g, G), mix(b, B), Math.round(alpha * 255)];
}
