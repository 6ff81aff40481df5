import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Step } from "@mediatap/core";
import type { VideoOutput } from "@mediatap/core/steps";
import { inspectResult, type Result } from "../support/results.ts";
import {
  describeTranscoding,
  fields,
  quarters,
  resize,
  silent,
  sizeOf,
  tone,
} from "../support/transcoded.ts";
import type { Studio } from "../support/videos.ts";

const prepare = (studio: Studio) =>
  Promise.all([
    silent(studio),
    studio.make("sound.m4a", ...tone, "-c:a", "aac"),
    studio.make("a.gif", ...fields("64x40", 1)),
  ]);

describeTranscoding("whole videos", prepare, (whole) => {
  const { ask, make, refusal } = whole;

  it("are MP4 with H.264 and AAC by default, with the index in front", async () => {
    const answer = await ask("fields.mp4", [resize({ width: 160 })]);
    assert.equal(answer.headers["content-type"], "video/mp4");
    assert.equal(answer.headers["accept-ranges"], "bytes");
    const result = await inspectResult(whole.studio, answer.body);
    assert.deepEqual(
      result.streams.map(({ codec_name }) => codec_name),
      ["h264", "aac"],
    );
    assert.equal(sizeOf(result), "160x90");
    assert.equal(result.video.pix_fmt, "yuv420p");
    assert.equal(result.video.start_time, "0.000000");
    assert.ok(Math.abs(result.duration - 2) < 0.06, String(result.duration));
    assert.ok(answer.body.indexOf("moov") < answer.body.indexOf("mdat"));
    assert.ok(answer.body.indexOf("moof") < 0);
    assert.equal(await quarters(result), "red green blue white");
  });

  describe("in the combinations of format, video and audio codec that players support", () => {
    const sets: readonly (readonly [VideoOutput, string, string])[] = [
      [{ format: "mp4" }, "video/mp4", "h264 aac"],
      [{ format: "mp4", codec: "none" }, "audio/mp4", "aac"],
      [{ format: "mp4", audio: "none" }, "video/mp4", "h264"],
      [{ format: "webm" }, "video/webm", "vp9 opus"],
      [{ format: "webm", codec: "none" }, "audio/webm", "opus"],
      [{ format: "webm", audio: "none" }, "video/webm", "vp9"],
      [{ format: "webm", codec: "av1" }, "video/webm", "av1 opus"],
      [{ codec: "av1", audio: "none" }, "video/webm", "av1"],
    ];
    for (const [output, type, codecs] of sets) {
      it(`${JSON.stringify(output)} is ${type} of ${codecs}`, async () => {
        const answer = await ask("fields.mp4", [], output);
        assert.equal(answer.status, 200);
        assert.equal(answer.headers["content-type"], type);
        const result = await inspectResult(whole.studio, answer.body);
        assert.equal(result.streams.map(({ codec_name }) => codec_name).join(" "), codecs);
        assert.ok(Math.abs(result.duration - 2) < 0.1, String(result.duration));
        if (result.video) assert.equal(await quarters(result), "red green blue white");
      });
    }
    it("AV1 is written in sizes that the usual encoder does not support", async () => {
      const small: Step = { op: "resize", width: 62, height: 34, fit: "fill", enlarge: true };
      const answer = await ask("fields.mp4", [small], { codec: "av1" });
      assert.equal(answer.status, 200, answer.headers["ik-error"]);
      const result = await inspectResult(whole.studio, answer.body);
      assert.equal(result.streams.map(({ codec_name }) => codec_name).join(" "), "av1 opus");
      assert.equal(await quarters(result), "red green blue white");
    });

    for (const output of [
      { format: "mp4", codec: "vp9" },
      { format: "webm", audio: "aac" },
      { codec: "none", audio: "none" },
      { format: "mp4", audio: "opus" },
    ] as const) {
      it(`${JSON.stringify(output)} is refused`, async () => {
        assert.match(await refusal("fields.mp4", [], output), /^400 /);
      });
    }
  });

  it("name what cannot be done to a video", async () => {
    assert.match(await refusal("fields.mp4", [{ op: "rotate", angle: 45 }]), /^400 .*rotate\.angle/);
    assert.match(await refusal("fields.mp4", [{ op: "trim", tolerance: 10 }]), /^403 .*trim/);
    assert.match(
      await refusal("fields.mp4", [resize({ width: 50, height: 50, focus: "faces" })]),
      /^403 .*faces/,
    );
    assert.match(await refusal("fields.mp4", [resize({ width: 5000 })]), /^400 .*4096/);
    assert.match(await refusal("sound.m4a", [resize({ width: 50 })]), /^400 .*video track/);
    assert.match(await refusal("silent.mp4", [], { codec: "none" }), /^400 .*sound/);
  });

  it("without sound stay without, and sound alone is audio", async () => {
    assert.equal((await make("silent.mp4")).audio, undefined);
    const answer = await ask("sound.m4a");
    assert.equal(answer.headers["content-type"], "audio/mp4");
  });

  it("are copied if no step changes them and the bit rate is low", async () => {
    for (const name of ["silent.mp4", "fields.mp4"]) {
      const [before, after] = [
        await inspectResult(whole.studio, await whole.studio.bytes(name)),
        await make(name),
      ];
      assert.equal(await packets(after), await packets(before));
      const smaller = await make(name, [resize({ width: 160 })]);
      assert.notEqual(await packets(smaller), await packets(before));
    }
  });

  async function packets({ path }: Result): Promise<string> {
    const { stdout } = await promisify(execFile)("/usr/bin/ffmpeg", [
      ...["-v", "error", "-i", path, "-map", "0:v", "-c", "copy", "-f", "streamhash", "-hash", "md5", "-"],
    ]);
    return stdout;
  }

  it("are encoded from animations", async () => {
    const result = await make("a.gif", [resize({ width: 32 })]);
    assert.equal(sizeOf(result), "32x20");
    assert.equal(await quarters(result), "red green blue white");
    assert.equal((await make("a.gif", [], { format: "webm" })).video.codec_name, "vp9");
  });
});
