import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { promisify } from "node:util";
import type { Step } from "@mediatap/core";
import type { TestServer } from "@mediatap/test";
import { Parser } from "m3u8-parser";
import { FFMPEG, numberIn, type Studio } from "./videos.ts";

const run = promisify(execFile);

/** A packet as ffprobe reports it; times in ticks of its track. */
export interface Packet {
  readonly pts: number;
  readonly dts: number;
  readonly duration: number;
  readonly key: boolean;
}

/** The probe of a file. */
export interface ProbedFile {
  readonly codec: string;
  readonly profile: string;
  readonly level: number;
  readonly width: number;
  readonly height: number;
  /** Ticks a second. */
  readonly timescale: number;
  readonly packets: readonly Packet[];
}

export interface Variant {
  readonly uri: string;
  readonly attributes: Readonly<Record<string, unknown>> & {
    readonly BANDWIDTH: number;
    readonly CODECS: string;
    readonly RESOLUTION: { readonly width: number; readonly height: number };
    readonly "FRAME-RATE": number;
    readonly AUDIO?: string;
  };
}

/** A parsed playlist of HLS; only the fields of m3u8-parser that are used here. */
export interface Playlist {
  readonly version: number;
  readonly independentSegments: boolean;
  readonly endList: boolean;
  readonly targetDuration: number;
  readonly playlists?: readonly Variant[];
  readonly mediaGroups: {
    readonly AUDIO: Readonly<Record<string, Readonly<Record<string, { readonly uri: string }>>>>;
  };
  readonly segments: readonly {
    readonly uri: string;
    readonly duration: number;
    readonly map: { readonly uri: string };
  }[];
}

/** URL of a part in the language of these tests. */
export function partUrl(file: string, name: string, steps: readonly Step[] = []): string {
  const query = steps.length > 0 ? `?steps=${encodeURIComponent(JSON.stringify(steps))}` : "";
  return `/${file}/${name}${query}`;
}

/** Requests something that exists. */
export async function get(server: TestServer, url: string): Promise<Buffer> {
  const { status, body, headers } = await server.ask(url);
  assert.equal(
    status,
    200,
    `${url}: ${status} ${headers["ik-error"] ?? body.toString("utf8").slice(0, 200)}`,
  );
  return body;
}

export async function playlist(server: TestServer, url: string): Promise<Playlist> {
  const parser = new Parser();
  parser.push((await get(server, url)).toString("utf8"));
  parser.end();
  return parser.manifest as unknown as Playlist;
}

/** A whole track by its playlist: what comes before, and each segment. */
export async function track(server: TestServer, url: string) {
  const list = await playlist(server, url);
  const map = list.segments[0]?.map.uri;
  assert(map);
  const init = await get(server, map);
  const segments: Buffer[] = [];
  for (const { uri } of list.segments) segments.push(await get(server, uri));
  return { list, init, segments, whole: Buffer.concat([init, ...segments]) };
}

let files = 0;

/** Writes bytes to a file of the studio. */
export async function keep(studio: Studio, bytes: Buffer, ending = "mp4"): Promise<string> {
  const file = studio.path(`kept-${files++}.${ending}`);
  await writeFile(file, bytes);
  return file;
}

/** Probes the only track of a file with ffprobe. */
export async function probeBytes(studio: Studio, bytes: Buffer): Promise<ProbedFile> {
  const { stdout } = await run(
    FFMPEG.path.replace("ffmpeg", "ffprobe"),
    [...["-v", "error", "-of", "json", "-show_packets", "-show_streams", await keep(studio, bytes)]],
    { maxBuffer: 1e8 },
  );
  const { streams, packets } = JSON.parse(stdout) as {
    streams: readonly Record<string, never>[];
    packets: readonly Record<string, never>[];
  };
  assert.equal(streams.length, 1);
  const [{ codec_name, profile, level, width, height, time_base } = {} as never] = streams;
  return {
    codec: String(codec_name),
    profile: String(profile),
    level: Number(level),
    width: Number(width),
    height: Number(height),
    timescale: Number(String(time_base).split("/")[1]),
    packets: packets.map(({ pts, dts, duration, flags }) => ({
      pts: Number(pts),
      dts: Number(dts),
      duration: Number(duration),
      key: String(flags).startsWith("K"),
    })),
  };
}

/** Decodes with filters, or into what the arguments say; ffmpeg must report no error. */
export async function decoded(studio: Studio, bytes: Buffer, ...args: readonly string[]): Promise<Buffer> {
  const file = await keep(studio, bytes);
  return decodedFile(studio, file, ...args);
}

export async function decodedFile(studio: Studio, file: string, ...args: readonly string[]): Promise<Buffer> {
  const out = studio.path(`decoded-${files++}`);
  const { stderr } = await run(FFMPEG.path, ["-nostdin", "-v", "error", "-y", "-i", file, ...args, out]);
  assert.equal(stderr, "");
  return readFile(out);
}

/** The numbers that the pictures of `numbered` show, in turn. */
export async function numbersIn(studio: Studio, bytes: Buffer): Promise<readonly number[]> {
  const pixels = await decoded(
    studio,
    bytes,
    "-vf",
    "scale=160:90",
    "-f",
    "rawvideo",
    "-pix_fmt",
    "gray",
    "-fps_mode",
    "passthrough",
  );
  return Array.from({ length: pixels.length / (160 * 90) }, (_, frame) =>
    numberIn((x, y) => [pixels[frame * 160 * 90 + y * 160 + x] as number]),
  );
}

/** Where the boxes of an MP4 file begin, at its top level. */
export function boxesIn(bytes: Buffer): readonly string[] {
  const found: string[] = [];
  for (let at = 0; at + 8 <= bytes.length; at += Math.max(8, bytes.readUInt32BE(at))) {
    found.push(bytes.toString("latin1", at + 4, at + 8));
  }
  return found;
}

/** Decode time of a segment's first sample, in ticks (`tfdt`). */
export function decodeTime(segment: Buffer): number {
  const at = segment.indexOf("tfdt");
  assert(at > 0 && segment[at + 4] === 1);
  return Number(segment.readBigUInt64BE(at + 8));
}

/** How long each sample of a segment is shown, in ticks, if it is stated once for all of them (`tfhd`). */
export function defaultDuration(segment: Buffer): number {
  const header = segment.indexOf("tfhd") + 4;
  // What may stand before it is not there.
  assert.equal(segment.readUIntBE(header + 1, 3) & 0xb, 0x8);
  return segment.readUInt32BE(header + 8);
}

/** When each sample of a segment is shown, in ticks and in the order of decoding (`trun`): ffprobe is a frame off here. */
export function presentationTimes(segment: Buffer): number[] {
  const header = segment.indexOf("tfhd") + 4;
  const flags = segment.readUIntBE(header + 1, 3);
  const before = [0x1, 0x2].reduce((sum, flag, at) => sum + (flags & flag ? ([8, 4][at] as number) : 0), 8);
  const usual = flags & 0x8 ? segment.readUInt32BE(header + before) : 0;
  const run = segment.indexOf("trun") + 4;
  const has = segment.readUIntBE(run + 1, 3);
  const count = segment.readUInt32BE(run + 4);
  let at = run + 8 + (has & 0x1 ? 4 : 0) + (has & 0x4 ? 4 : 0);
  let time = decodeTime(segment);
  const times: number[] = [];
  for (let sample = 0; sample < count; sample++) {
    const duration = has & 0x100 ? segment.readUInt32BE(at) : usual;
    at += [0x100, 0x200, 0x400].reduce((sum, flag) => sum + (has & flag ? 4 : 0), 0);
    times.push(time + (has & 0x800 ? segment.readInt32BE(at) : 0));
    at += has & 0x800 ? 4 : 0;
    time += duration;
  }
  return times;
}
