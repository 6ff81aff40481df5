import assert from "node:assert/strict";
import type { Step } from "@mediatap/core";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, type TestServer } from "@mediatap/test";
import { videoFfmpeg } from "../../src/index.ts";
import { streamLanguage } from "../support/language.ts";
import { serve } from "../support/server.ts";
import { decoded, decodedFile, decodeTime, partUrl, probeBytes, track } from "../support/streams.ts";
import { FFMPEG, openStudio, type Studio, testPicture } from "../support/videos.ts";

/** Samples a second, of a frame of AAC, and of a segment. */
const RATE = 48_000;
const FRAME = 1_024;
const SEGMENT = 188 * FRAME;

/** Silence before what begins late. */
const ALIGNED = ["-af", "aresample=48000:async=1:first_pts=0"];
const PCM = ["-vn", "-ac", "1", "-ar", String(RATE), "-f", "s16le"];

describeWith(FFMPEG, "video-ffmpeg: the sound of streams", () => {
  let studio: Studio;
  let server: TestServer;

  before(async () => {
    studio = await openStudio();
    // Two tones that glide, so that each moment sounds different.
    const glide = "aevalsrc='0.4*sin(2*PI*(300*t+20*t*t))|0.4*sin(2*PI*(500*t+15*t*t))':s=48000:d=17";
    await studio.make(
      "glide.mp4",
      ...testPicture(17).slice(0, 4),
      "-f",
      "lavfi",
      "-i",
      glide,
      "-c:v",
      "libx264",
      "-preset",
      "ultrafast",
      "-c:a",
      "aac",
      "-b:a",
      "256k",
    );
    await studio.make("glide.ts", "-i", studio.path("glide.mp4"), "-c", "copy");
    await studio.make(
      "cd.mp4",
      "-i",
      studio.path("glide.mp4"),
      "-c:v",
      "copy",
      "-c:a",
      "aac",
      "-ar",
      "44100",
      "-ac",
      "1",
      "-b:a",
      "192k",
    );
    // Sound from 1.5 s on, that ends after 6 s.
    await studio.make(
      "late.mp4",
      "-i",
      studio.path("glide.mp4"),
      "-itsoffset",
      "1.5",
      "-t",
      "4.5",
      "-i",
      studio.path("glide.mp4"),
      "-map",
      "0:v",
      "-map",
      "1:a",
      "-c:v",
      "copy",
      "-c:a",
      "aac",
      "-b:a",
      "256k",
    );
    server = await serve(studio, [streamLanguage(), storageFs(), videoFfmpeg()]);
  });
  after(async () => {
    await server?.close();
    await studio?.close();
  });

  /** Samples of a file or of bytes, from `seconds` of the source on. */
  const samplesOf = (bytes: Buffer) => new Int16Array(bytes.buffer, bytes.byteOffset, bytes.length >> 1);
  const heard = async (bytes: Buffer) => samplesOf(await decoded(studio, bytes, ...PCM));
  const source = async (name: string, ...args: string[]) =>
    samplesOf(await decodedFile(studio, studio.path(name), ...args, ...PCM));

  /** How far the sound is from what is expected, in decibels below it, of each tenth of a second. */
  function distances(sound: Int16Array, expected: Int16Array, from = 0): number[] {
    const found: number[] = [];
    const part = RATE / 10;
    for (let at = from; at + part <= Math.min(sound.length, expected.length); at += part) {
      let noise = 1;
      let signal = 1;
      for (let i = at; i < at + part; i++) {
        noise += ((sound[i] as number) - (expected[i] as number)) ** 2;
        signal += (expected[i] as number) ** 2;
      }
      found.push(10 * Math.log10(signal / noise));
    }
    return found;
  }

  it("lies on a grid of whole frames, without a gap", async () => {
    const { list, init, segments, whole } = await track(server, "/glide.mp4/audio.m3u8");
    assert.equal(segments.length, 5);
    for (const [index, segment] of segments.entries()) {
      assert.equal(decodeTime(segment), index * SEGMENT);
      const { packets } = await probeBytes(studio, Buffer.concat([init, segment]));
      assert.equal(packets.length, index < 4 ? 188 : 797 - 4 * 188);
      assert.equal(list.segments[index]?.duration, Number(((packets.length * FRAME) / RATE).toFixed(6)));
    }
    const { packets, codec, timescale } = await probeBytes(studio, whole);
    assert.deepEqual([codec, timescale], ["aac", RATE]);
    for (const [at, { pts, dts }] of packets.entries()) {
      assert.deepEqual([pts, dts], [at * FRAME, at * FRAME]);
    }
  });

  it("is that of the source, at its time, over all segment borders", async () => {
    for (const file of ["glide.mp4", "glide.ts", "cd.mp4"]) {
      const { whole } = await track(server, `/${file}/audio.m3u8`);
      const off = distances(await heard(whole), await source(file, ...ALIGNED));
      assert(off.length > 160);
      for (const [at, decibels] of off.slice(1, -2).entries()) {
        assert(decibels > 20, `${file}: ${decibels.toFixed(1)} dB at ${(at + 1) / 10} s`);
      }
    }
  });

  it("equals one continuous encode, but at most at borders", async () => {
    const { whole } = await track(server, "/glide.mp4/audio.m3u8");
    await studio.make(
      "once.mp4",
      "-i",
      studio.path("glide.mp4"),
      ...["-vn", "-c:a", "aac", "-q:a", "1", "-ar", "48000"],
    );
    const off = distances(await heard(whole), await source("once.mp4"));
    // The last frames know nothing of what would follow.
    for (const [at, decibels] of off.slice(1, -3).entries()) {
      assert(decibels > 60, `${decibels.toFixed(1)} dB at ${(at + 1) / 10} s`);
    }
  });

  it("is silent while the source is", async () => {
    const { list, whole } = await track(server, "/late.mp4/audio.m3u8");
    assert.equal(list.segments.length, 5);
    const sound = await heard(whole);
    const loud = (from: number, to: number) =>
      sound.subarray(from * RATE, to * RATE).reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    assert(loud(0, 1.4) < 20 && loud(1.6, 5.9) > 5_000 && loud(6.1, 16.9) < 20);
    const expected = await source("late.mp4", ...ALIGNED);
    for (const decibels of distances(sound, expected, 1.6 * RATE).slice(0, 40))
      assert(decibels > 20, String(decibels));
  });

  it("starts with a clip, at the requested volume", async () => {
    const steps: Step[] = [
      { op: "clip", start: 5, duration: 6 },
      { op: "volume", gain: 0.5 },
    ];
    const { list, whole } = await track(server, partUrl("glide.mp4", "audio.m3u8", steps));
    assert.equal(list.segments.length, 2);
    const expected = await source("glide.mp4", "-ss", "5", "-af", "volume=0.5");
    for (const decibels of distances(await heard(whole), expected).slice(1, 58))
      assert(decibels > 20, String(decibels));
  });
});
