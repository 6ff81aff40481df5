import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Answer, describeWith, FFMPEG, runFfmpeg, type TestServer } from "@mediatap/test";
import { openGallery } from "../support/gallery.ts";
import {
  assertPoints,
  BLUE,
  type Colour,
  GREEN,
  isNear,
  type Look,
  look,
  lookAt,
  type Points,
  RED,
  YELLOW,
} from "../support/looks.ts";
import { describeWithSdks, type Step, sent } from "../support/sdks.ts";

const run = promisify(execFile);

const LIME: Colour = GREEN;

describeWith(FFMPEG, "videos", () => {
  describeWithSdks("as ImageKit's SDKs ask for them", ({ javascript }) => {
    let folder: string;
    let server: TestServer;
    before(async () => {
      folder = await mkdtemp(join(tmpdir(), "mediatap-sdk-"));
      server = await openGallery({
        // Red beside blue, and a tone: 320x180, 3 s; and a small green one.
        "clip.mp4": await make(
          "clip.mp4",
          "red",
          "320x180",
          3,
          "drawbox=x=160:w=160:h=180:color=blue:t=fill",
        ),
        "over.mp4": await make("over.mp4", "lime", "64x36", 2, "null"),
        "subtitle.srt": "1\n00:00:00,000 --> 00:00:02,000\nHHHHHHHH\n",
      });
    });
    after(async () => {
      await server.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function make(name: string, colour: string, size: string, seconds: number, filter: string) {
      const file = join(folder, name);
      await runFfmpeg(
        file,
        ...["-f", "lavfi", "-i", `color=${colour}:s=${size}:r=10:d=${seconds}`],
        ...[
          "-f",
          "lavfi",
          "-i",
          `sine=d=${seconds}`,
          "-vf",
          filter,
          "-c:v",
          "libx264",
          "-pix_fmt",
          "yuv420p",
        ],
        ...["-preset", "ultrafast", "-g", "10", "-c:a", "aac", "-shortest"],
      );
      return readFile(file);
    }

    const ask = (steps: Step | readonly Step[], src = "/clip.mp4") =>
      server.ask(
        sent(
          javascript.buildSrc({
            urlEndpoint: server.url,
            src,
            transformation: [steps].flat() as readonly Step[],
          }),
        ),
      );

    /** What ffmpeg makes of an answer: codecs, size, seconds, and the picture at a moment. */
    async function watch({ status, headers, body }: Answer, moment = 0.5) {
      assert.equal(status, 200, headers["ik-error"]);
      const file = join(folder, "answer");
      await writeFile(file, body);
      const { stdout } = await run("/usr/bin/ffprobe", [
        ...["-v", "error", "-show_entries", "stream=codec_type,codec_name,width,height:format=duration"],
        ...["-of", "json", file],
      ]);
      const { streams, format } = JSON.parse(stdout) as {
        streams: { codec_type: string; codec_name: string; width: number; height: number }[];
        format: { duration: string };
      };
      const video = streams.find(({ codec_type }) => codec_type === "video");
      const audio = streams.find(({ codec_type }) => codec_type === "audio");
      let picture: Look | undefined;
      if (video) {
        const png = join(folder, "frame.png");
        await runFfmpeg(png, "-ss", String(moment), "-i", file, "-frames:v", "1");
        picture = await lookAt(await readFile(png));
      }
      return {
        type: headers["content-type"],
        codecs: [video?.codec_name, audio?.codec_name],
        size: video && `${video.width}x${video.height}`,
        seconds: Number(format.duration),
        picture,
      };
    }

    type Row = readonly [step: Step, size: string, points?: Points, moment?: number];
    function rows(...all: readonly Row[]) {
      for (const [step, size, points = {}, moment] of all) {
        it(`${JSON.stringify(step)} → ${size}`, async () => {
          const seen = await watch(await ask(step), moment);
          assert.equal(seen.size, size);
          assert(seen.picture);
          assertPoints(seen.picture, points, size, 40);
        });
      }
    }

    describe("sizes and shapes", () => {
      rows(
        [{ width: 160 }, "160x90", { "5,5": RED, "154,84": BLUE }],
        [{ width: "iw_div_2", height: "ih_div_2" }, "160x90"],
        [{ height: 0.5 }, "160x90"],
        [{ width: 100, aspectRatio: "1-1" }, "100x100"],
        [{ width: 100, height: 100, crop: "force" }, "100x100", { "5,5": RED, "94,94": BLUE }],
        [{ width: 100, height: 100, crop: "at_max" }, "100x56"],
        [{ width: 100, height: 90, crop: "at_least" }, "160x90"],
        [
          { width: 100, height: 90, crop: "maintain_ratio", focus: "right" },
          "100x90",
          { "10,5": RED, "30,5": BLUE },
        ],
        [
          { width: 160, height: 160, cropMode: "pad_resize", background: "yellow" },
          "160x160",
          { "80,10": YELLOW, "5,80": RED },
        ],
        [{ width: 160, height: 160, cropMode: "pad_resize", background: "blurred_10_N20" }, "160x160"],
        [{ width: 100, height: 100, cropMode: "extract", focus: "left" }, "100x100", { "94,50": RED }],
        [{ border: "10_FFFF00" }, "340x200", { "4,4": YELLOW, "15,15": RED }],
        [{ border: "ih_div_18_FFFF00" }, "340x200", { "4,4": YELLOW, "15,15": RED }],
        [{ radius: 40, background: "yellow" }, "320x180", { "2,2": YELLOW, "60,60": RED }],
        [{ radius: "max", background: "yellow" }, "320x180", { "5,5": YELLOW, "40,90": RED }],
        [{ rotation: 90 }, "180x320", { "90,40": RED, "90,280": BLUE }],
        [{ flip: "h" }, "320x180", { "5,5": BLUE, "314,5": RED }],
      );
    });

    describe("codecs and pieces", () => {
      const codecs: readonly [step: Step, type: string, codecs: readonly (string | undefined)[]][] = [
        [{ format: "mp4" }, "video/mp4", ["h264", "aac"]],
        [{ format: "webm" }, "video/webm", ["vp9", "opus"]],
        [{ videoCodec: "av1", width: 62 }, "video/webm", ["av1", "opus"]],
        [{ videoCodec: "none" }, "audio/mp4", [undefined, "aac"]],
        [{ videoCodec: "none", audioCodec: "opus" }, "audio/webm", [undefined, "opus"]],
        [{ audioCodec: "none", quality: 30 }, "video/mp4", ["h264", undefined]],
      ];
      for (const [step, type, wanted] of codecs) {
        it(`${JSON.stringify(step)} → ${type}`, async () => {
          const seen = await watch(await ask(step));
          assert.equal(seen.type, type);
          assert.deepEqual(seen.codecs, wanted);
        });
      }

      const pieces: readonly [step: Step, seconds: number][] = [
        [{ startOffset: 1 }, 2],
        [{ endOffset: 1.5 }, 1.5],
        [{ duration: 1 }, 1],
        [{ startOffset: "idu_div_3", duration: "idu_div_3" }, 1],
        [{ startOffset: 1, endOffset: 2 }, 1],
      ];
      for (const [step, wanted] of pieces) {
        it(`${JSON.stringify(step)} → ${wanted} s`, async () => {
          const { seconds } = await watch(await ask(step));
          assert(Math.abs(seconds - wanted) < 0.11, `${seconds}`);
        });
      }

      const refused: readonly Step[] = [
        { rotation: 45 },
        { videoCodec: "h264", audioCodec: "opus" },
        { startOffset: 10 },
        { grayscale: true },
        { streamingResolutions: ["240"] },
      ];
      for (const step of refused) {
        it(`${JSON.stringify(step)} → 400`, async () => assert.equal((await ask(step)).status, 400));
      }
    });

    describe("layers", () => {
      rows(
        [
          {
            overlay: {
              type: "image",
              input: "logo.png",
              position: { x: 10, y: 10 },
              timing: { start: 1, end: 2 },
            },
          },
          "320x180",
          { "30,30": RED },
        ],
        [
          {
            overlay: {
              type: "image",
              input: "logo.png",
              position: { x: 10, y: 10 },
              timing: { start: 1, end: 2 },
            },
          },
          "320x180",
          { "30,30": BLUE, "60,30": RED },
          1.5,
        ],
        [
          {
            overlay: {
              type: "image",
              input: "logo.png",
              position: { x: 10, y: 10 },
              timing: { start: 1, end: 2 },
            },
          },
          "320x180",
          { "30,30": RED },
          2.5,
        ],
        [
          {
            overlay: {
              type: "image",
              input: "red.png",
              position: { focus: "right" },
              transformation: [
                { width: 20, height: 40, crop: "force", border: "2_yellow", rotation: 90, flip: "h" },
              ],
            },
          },
          "320x180",
          { "300,90": RED, "277,90": YELLOW },
        ],
        [
          {
            overlay: {
              type: "solidColor",
              color: "FFFF00",
              transformation: [{ width: "bw_mul_0.5", height: 20, radius: 4 }],
            },
          },
          "320x180",
          { "90,90": YELLOW, "70,90": RED },
        ],
        [
          {
            overlay: {
              type: "video",
              input: "over.mp4",
              position: { x: 10, y: 10 },
              timing: { start: 1 },
              transformation: [{ width: 40, startOffset: 0.5, duration: 1, audioCodec: "none" }],
            },
          },
          "320x180",
          { "20,20": LIME, "60,20": RED },
          1.5,
        ],
        [
          { overlay: { type: "video", input: "moving.gif", position: { focus: "left" } } },
          "320x180",
          { "60,90": RED },
        ],
      );

      const shown = async (overlay: Step, colour: Colour, moment?: number) => {
        const { picture } = await watch(await ask({ overlay }), moment);
        return picture?.count(colour, 90) ?? 0;
      };

      it("of texts, for a time", async () => {
        const overlay = {
          type: "text",
          text: "HHH",
          timing: { start: "bdu_div_3", duration: 1 },
          transformation: [{ fontSize: "bh_div_3", fontColor: "FFFF00", typography: "b" }],
        };
        assert.equal(await shown(overlay, YELLOW, 0.5), 0);
        assert((await shown(overlay, YELLOW, 1.5)) > 200);
        assert.equal(await shown(overlay, YELLOW, 2.5), 0);
      });

      it("of subtitles, with each option of their style", async () => {
        const overlay = (step: Step) => ({
          type: "subtitle",
          input: "subtitle.srt",
          position: { x: "10", y: "20", focus: "center" },
          transformation: [step],
        });
        assert((await shown(overlay({ color: "00FF00", fontSize: 30, typography: "b" }), LIME)) > 100);
        assert.equal(await shown(overlay({ color: "00FF00", fontSize: 30 }), LIME, 2.5), 0);
        assert((await shown(overlay({ background: "FFFF00" }), YELLOW)) > 200);
        const styled = overlay({
          ...{ background: "FF0000", color: "00FF00", fontFamily: "Arial", fontOutline: "2_A1CCDD50" },
          ...{ fontShadow: "A1CCDD_3", fontSize: 24, typography: "b_i" },
        });
        assert((await shown(styled, LIME)) > 50);
      });
    });

    describe("stills, animations and streams", () => {
      it("thumbnails", async () => {
        const still = await look(await ask({ startOffset: 1, width: 160 }, "/clip.mp4/ik-thumbnail.jpg"));
        assertPoints(still, { "5,5": RED, "154,84": BLUE }, "still", 40);
        const overlay = { type: "solidColor", color: "FFFF00", transformation: [{ width: 20, height: 20 }] };
        const laid = await look(await ask({ overlay, radius: 5 }, "/clip.mp4/ik-thumbnail.jpg"));
        assert(isNear(laid.at(155, 90), YELLOW, 40));
        assert.equal((await ask({ startOffset: 5 }, "/clip.mp4/ik-thumbnail.jpg")).status, 400);
      });

      it("videos of animations, and of names that do not say so", async () => {
        const { codecs, size } = await watch(await ask({ width: 20 }, "/moving.gif/ik-gif-video.mp4"), 0);
        assert.deepEqual([codecs[0], size], ["h264", "20x14"]);
        assert.equal((await watch(await ask({ width: 64 }, "/clip.mp4/ik-video.mp4"))).size, "64x36");
      });

      for (const [suffix, type, word] of [
        ["ik-master.m3u8", "application/vnd.apple.mpegurl", "#EXTM3U"],
        ["ik-master.mpd", "application/dash+xml", "<MPD"],
      ] as const) {
        it(`streams (${suffix})`, async () => {
          const answer = await ask({ streamingResolutions: ["240", "360"] }, `/clip.mp4/${suffix}`);
          assert.equal(answer.status, 200);
          assert.equal(answer.headers["content-type"]?.split(";")[0], type);
          assert(answer.text.includes(word));
          assert.equal((await ask([], `/clip.mp4/${suffix}`)).status, 400);
          assert.equal((await ask({ streamingResolutions: ["100"] }, `/clip.mp4/${suffix}`)).status, 400);
        });
      }

      it("small pictures to seek by", async () => {
        const { status, headers, text } = await ask([], "/clip.mp4/ik-seek-thumbnail-track.vtt");
        assert.equal(status, 200, headers["ik-error"]);
        assert.match(headers["content-type"] ?? "", /^text\/vtt/);
        const [, link = ""] = /^(\S+)#xywh=0,0,/m.exec(text) ?? [];
        const sheet = await look(
          await server.ask(sent(new URL(link, `${server.url}/clip.mp4/ik-seek-thumbnail-track.vtt`).href)),
        );
        assert(isNear(sheet.at(5, 5), RED, 40), `${sheet.at(5, 5)}`);
      });

      it("the original", async () => {
        const { headers, body } = await ask({ original: true });
        assert.equal(headers["content-type"], "video/mp4");
        assert((await server.ask("/clip.mp4")).body.equals(body));
      });

      it("what needs a model → 403", async () => {
        for (const suffix of ["ik-genchapter.vtt", "ik-gensubtitle.vtt", "ik-gensubtitle.transcript"]) {
          const { status, headers } = await ask([], `/clip.mp4/${suffix}`);
          assert.equal(status, 403);
          assert(headers["ik-error"]?.includes(suffix), headers["ik-error"]);
        }
      });
    });
  });
});
