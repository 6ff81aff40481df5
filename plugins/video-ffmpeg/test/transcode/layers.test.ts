import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Step } from "@mediatap/core";
import type { Layer, Place, VideoOutput } from "@mediatap/core/steps";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, jobLanguage, jobUrl, type TestServer } from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { inspectResult, isLike, type Result } from "../support/results.ts";
import { serve } from "../support/server.ts";
import { FFMPEG, mp4, openStudio, type Studio } from "../support/videos.ts";

const RED = [255, 0, 0];
const BLUE = [0, 0, 255];
const GREEN = [0, 255, 0];
const color = (r: number, g: number, b: number, alpha = 1) => ({ r, g, b, alpha });

describeWith(FFMPEG, "layers on videos", () => {
  let studio: Studio;
  let server: TestServer;

  before(async () => {
    studio = await openStudio();
    const red = ["-f", "lavfi", "-i", "color=red:s=320x180:r=25:d=4"];
    await studio.make("red.mp4", ...red, ...mp4());
    await studio.make("logo.png", "-f", "lavfi", "-i", "color=blue:s=40x20", "-frames:v", "1");
    server = await serve(studio, [
      jobLanguage(),
      storageFs(),
      imageSharp(),
      videoFfmpeg({ delivery: "wait" }),
      cacheMemory(),
    ]);
  });
  after(async () => {
    await server.close();
    await studio.close();
  });

  const logo: Layer = { kind: "image", path: "logo.png", steps: [] };
  const lay = (layer: Layer, place: Place = { gravity: "center" }, more: object = {}) =>
    ({ op: "overlay", layer, place, ...more }) as Step;

  async function make(...steps: Step[]): Promise<Result> {
    const answer = await server.ask(jobUrl("red.mp4", { steps, output: { video: {} } }));
    assert.equal(answer.status, 200, answer.status === 200 ? "" : answer.text);
    return inspectResult(studio, answer.body);
  }

  it("have the same position as on pictures, at the size of the picture below", async () => {
    const at = await (await make(lay(logo, { gravity: "bottom-right" }))).at(1);
    assert.ok(isLike(at(310 / 320, 170 / 180), BLUE, 40), String(at(310 / 320, 170 / 180)));
    assert.ok(isLike(at(285 / 320, 165 / 180), BLUE, 40));
    assert.ok(isLike(at(275 / 320, 165 / 180), RED, 40));
    const offset = { by: 10, of: "edge" } as const;
    const small = await make(
      { op: "resize", width: 160, fit: "inside", enlarge: true },
      lay(logo, { x: { ...offset, fromEnd: true }, y: offset }),
    );
    assert.equal(small.video.width, 160);
    const there = await small.at(1);
    assert.ok(isLike(there(130 / 160, 20 / 90), BLUE, 40), String(there(130 / 160, 20 / 90)));
    assert.ok(isLike(there(155 / 160, 20 / 90), RED, 40));
  });

  it("show from a second to another", async () => {
    const result = await make(lay(logo, { gravity: "center" }, { time: { start: 1, end: 2 } }));
    const seen = async (seconds: number) => isLike((await result.at(seconds))(0.5, 0.5), BLUE, 40);
    assert.deepEqual(
      [await seen(0.5), await seen(0.9), await seen(1.04), await seen(1.9), await seen(2.08), await seen(3)],
      [false, false, true, true, false, false],
    );
  });

  it("keep their time after a change of speed, and in a clip", async () => {
    const result = await make(
      { op: "clip", start: 1 },
      { op: "speed", factor: 2 },
      lay(logo, { gravity: "center" }, { time: { start: 0.5, duration: 0.5 } }),
    );
    const seen = async (seconds: number) => isLike((await result.at(seconds))(0.5, 0.5), BLUE, 40);
    assert.deepEqual([await seen(0.3), await seen(0.7), await seen(1.2)], [false, true, false]);
  });

  it("of one colour, with expressions of the picture below, half clear", async () => {
    const layer: Layer = {
      kind: "color",
      color: color(0, 255, 0, 0.5),
      width: ["div", "parentWidth", 2],
      height: ["div", "parentHeight", 2],
      steps: [],
    };
    const at = await (await make(lay(layer))).at(1);
    assert.ok(isLike(at(0.5, 0.5), [128, 128, 0], 40), String(at(0.5, 0.5)));
    assert.ok(isLike(at(0.2, 0.2), RED, 40));
  });

  it("of text, with a box and round corners", async () => {
    const text: Layer = {
      kind: "text",
      text: "HHH",
      style: {
        size: 40,
        color: color(0, 0, 255),
        align: "center",
        background: color(0, 255, 0),
        padding: [20, 20, 20, 20],
      },
      steps: [{ op: "round", radius: [15, 15, 15, 15] }],
    };
    const at = await (await make(lay(text))).at(1);
    const row = Array.from({ length: 320 }, (_, x) => at((x + 0.5) / 320, 0.5));
    assert.ok(row.some((there) => isLike(there, BLUE, 80)));
    assert.ok(row.filter((there) => isLike(there, GREEN, 60)).length > 30);
    assert.ok(row.filter((there) => isLike(there, RED, 60)).length > 100);
  });

  it("of text and colours add no source: only the video's validators decide revalidation", async () => {
    const green: Layer = { kind: "color", color: color(0, 255, 0), width: 20, height: 20, steps: [] };
    const tagOf = async (layer: Layer) => {
      const path = jobUrl("red.mp4", { steps: [lay(layer)], output: { video: { audio: "none" } } });
      return (await server.ask(path)).headers.etag ?? "";
    };
    assert.match(await tagOf(green), /^"[^.+]+\.[^+]/);
    assert.match(await tagOf(logo), /^"[^.+]+\.\+/);
  });

  it("several, in their order", async () => {
    const green: Layer = { kind: "color", color: color(0, 255, 0), width: 20, height: 20, steps: [] };
    const at = await (await make(lay(logo), lay(green))).at(1);
    assert.ok(isLike(at(0.5, 0.5), GREEN, 40));
    assert.ok(isLike(at(0.45, 0.5), BLUE, 40));
  });

  describe("of videos", () => {
    const clip = (...steps: Step[]): Layer => ({ kind: "video", path: "inner.mp4", steps });
    before(async () => {
      // Blue for a second, then green for another.
      await studio.make(
        "inner.mp4",
        ...[
          "-f",
          "lavfi",
          "-i",
          "color=blue:s=80x60:r=25:d=1",
          "-f",
          "lavfi",
          "-i",
          "color=lime:s=80x60:r=25:d=1",
        ],
        ...["-filter_complex", "[0][1]concat=n=2:v=1:a=0", "-c:v", "libx264", "-pix_fmt", "yuv420p"],
      );
      await studio.make(
        "loop.gif",
        ...[
          "-f",
          "lavfi",
          "-i",
          "color=blue:s=40x40:r=10:d=0.5,format=rgba,geq=r=0:g=0:b=255:a=if(lt(X\\,20)\\,255\\,0),split[a][b];[a]palettegen=reserve_transparent=1[p];[b][p]paletteuse",
        ],
      );
    });

    it("play from the second at which they appear, and go with their end", async () => {
      const result = await make(lay(clip(), { gravity: "top-left" }, { time: { start: 1 } }));
      assert.ok(Math.abs(result.duration - 4) < 0.06, String(result.duration));
      const seen = async (seconds: number) => {
        const there = (await result.at(seconds))(0.1, 0.1);
        return isLike(there, BLUE, 50)
          ? "blue"
          : isLike(there, GREEN, 50)
            ? "green"
            : isLike(there, RED, 50)
              ? "red"
              : there;
      };
      assert.deepEqual(
        [
          await seen(0.5),
          await seen(1.1),
          await seen(1.9),
          await seen(2.1),
          await seen(2.9),
          await seen(3.1),
        ],
        ["red", "blue", "blue", "green", "green", "red"],
      );
    });

    it("with their own steps, longer than what is below", async () => {
      const layer = clip(
        { op: "clip", start: 1 },
        { op: "resize", width: ["div", "parentWidth", 2], fit: "inside", enlarge: true },
      );
      const result = await make({ op: "clip", duration: 0.6 }, lay(layer, { gravity: "bottom-right" }));
      assert.ok(Math.abs(result.duration - 0.6) < 0.06, String(result.duration));
      const at = await result.at(0.4);
      assert.ok(
        isLike(at(0.95, 0.95), GREEN, 50) && isLike(at(0.55, 0.6), GREEN, 50),
        String(at(0.95, 0.95)),
      );
      assert.ok(isLike(at(0.45, 0.9), RED, 50));
    });

    it("animations repeat, and keep their transparency", async () => {
      const gif: Layer = { kind: "video", path: "loop.gif", steps: [] };
      const result = await make(lay(gif, { gravity: "center" }));
      assert.ok(Math.abs(result.duration - 4) < 0.06, String(result.duration));
      const at = await result.at(3.5);
      assert.ok(isLike(at(150 / 320, 0.5), BLUE, 50), String(at(150 / 320, 0.5)));
      assert.ok(isLike(at(170 / 320, 0.5), RED, 50), String(at(170 / 320, 0.5)));
    });
  });

  describe("of videos with sound", () => {
    const beep = (...steps: Step[]): Layer => ({ kind: "video", path: "beep.mp4", steps });
    const at = { gravity: "center" } as const;
    const QUIET = -60;

    before(async () => {
      const tone = (hertz: number, seconds: number) => ["-f", "lavfi", "-i", `sine=f=${hertz}:d=${seconds}`];
      const picture = (color: string, seconds: number) => [
        ...["-f", "lavfi", "-i", `color=${color}:s=320x180:r=25:d=${seconds}`],
      ];
      await studio.make("beep.mp4", ...picture("blue", 2), ...tone(1000, 2), ...mp4());
      await studio.make("tone.mp4", ...picture("red", 4), ...tone(440, 4), ...mp4());
      await studio.make(
        "brief.mp4",
        ...[...picture("red", 4), ...tone(440, 1), ...mp4().filter((word) => word !== "-shortest")],
      );
    });

    async function heard(path: string, steps: Step[], output: VideoOutput = {}): Promise<Result> {
      const answer = await server.ask(jobUrl(path, { steps, output: { video: output } }));
      assert.equal(answer.status, 200, answer.status === 200 ? "" : answer.text);
      return inspectResult(studio, answer.body);
    }
    const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1, `${a} is not about ${b}`);

    it("are audible while they are visible, over a silent video", async () => {
      const result = await heard("red.mp4", [lay(beep(), at, { time: { start: 1 } })]);
      assert.ok(Math.abs(result.duration - 4) < 0.06, String(result.duration));
      assert.ok((await result.loudness(0, 0.9)) < QUIET);
      near(await result.loudness(1.1, 1.8), await (await heard("beep.mp4", [])).loudness(0.1, 1.8));
      assert.ok((await result.loudness(3.1, 0.8)) < QUIET);
    });

    it("are mixed with what is below, which stays as loud as it was", async () => {
      const plain = await (await heard("tone.mp4", [])).loudness(0.1, 0.8);
      const result = await heard("tone.mp4", [lay(beep(), at, { time: { start: 1 } })]);
      near(await result.loudness(0.1, 0.8), plain);
      near(await result.loudness(1.1, 1.8), plain + 3);
      near(await result.loudness(3.1, 0.8), plain);
    });

    it("are audible after the video below has ended", async () => {
      const result = await heard("brief.mp4", [lay(beep(), at, { time: { start: 2 } })]);
      assert.ok((await result.loudness(1.1, 0.8)) < QUIET);
      assert.ok((await result.loudness(2.1, 1.8)) > -40);
    });

    it("are cut and made quieter by their own steps, and end with their time", async () => {
      const plain = await (await heard("beep.mp4", [])).loudness(0.1, 0.3);
      const steps: Step[] = [
        { op: "clip", start: 1, duration: 0.5 },
        { op: "volume", gain: 0.5 },
      ];
      const result = await heard("red.mp4", [lay(beep(...steps), at, { time: { start: 1 } })]);
      near(await result.loudness(1.1, 0.3), plain - 6);
      assert.ok((await result.loudness(1.6, 2)) < QUIET);
      const timed = await heard("red.mp4", [lay(beep(), at, { time: { start: 1, end: 1.5 } })]);
      assert.ok((await timed.loudness(1.1, 0.3)) > -40);
      assert.ok((await timed.loudness(1.6, 2)) < QUIET);
    });

    it("keep their time in a clip, at another speed", async () => {
      const steps: Step[] = [
        { op: "clip", start: 1 },
        { op: "speed", factor: 2 },
      ];
      const result = await heard("red.mp4", [...steps, lay(beep(), at, { time: { start: 0.5, end: 1 } })]);
      assert.ok(Math.abs(result.duration - 1.5) < 0.06, String(result.duration));
      assert.ok((await result.loudness(0, 0.45)) < QUIET);
      assert.ok((await result.loudness(0.6, 0.3)) > -40);
      assert.ok((await result.loudness(1.1, 0.3)) < QUIET);
    });

    it("that are mute add nothing", async () => {
      const mute = beep({ op: "volume", gain: 0 });
      assert.equal((await heard("red.mp4", [lay(mute)])).audio, undefined);
      assert.equal((await heard("red.mp4", [lay(beep())], { audio: "none" })).audio, undefined);
    });

    it("belong to the sound alone, too", async () => {
      const result = await heard("red.mp4", [lay(beep(), at, { time: { start: 1 } })], { codec: "none" });
      assert.equal(result.streams.length, 1);
      assert.ok((await result.loudness(0, 0.9)) < QUIET);
      assert.ok((await result.loudness(1.1, 1.8)) > -40);
    });

    it("within layers are heard, too", async () => {
      const inner = lay(beep(), at, { time: { start: 0.5 } });
      const outer: Layer = { kind: "video", path: "red.mp4", steps: [{ op: "clip", duration: 2 }, inner] };
      const result = await heard("tone.mp4", [
        { op: "volume", gain: 0 },
        lay(outer, at, { time: { start: 1 } }),
      ]);
      assert.ok((await result.loudness(0, 1.4)) < QUIET);
      assert.ok((await result.loudness(1.6, 1.3)) > -40);
      assert.ok((await result.loudness(3.1, 0.8)) < QUIET);
    });
  });

  describe("of subtitles", () => {
    const burn = (path: string, style = {}, more = {}) =>
      lay({ kind: "subtitles", path, style } as Layer, { gravity: "center" }, more);
    const srt =
      "1\r\n00:00:01,000 --> 00:00:02,000\r\n<i>HHHHHHHH</i> &amp; {\\pos(10,10)}HHHH\r\n\r\n2\r\n00:00:03,000 --> 00:00:03,500\r\nMMMM\r\n";

    before(async () => {
      await writeFile(studio.path("a.srt"), srt);
      await writeFile(studio.path("a.vtt"), "WEBVTT\n\n00:01.000 --> 00:02.000 line:0\n<v Bob>HHHHHHHH\n");
      await writeFile(
        studio.path("a.ass"),
        "[Script Info]\n\n[Events]\nDialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\an8}HHHHHH, H\n",
      );
      await writeFile(studio.path("none.srt"), "nothing");
    });

    /** Whether letters of a colour are seen in the lower third. */
    async function seen(result: Result, seconds: number, wanted = [255, 255, 255]): Promise<boolean> {
      const at = await result.at(seconds);
      const places = Array.from(
        { length: 160 * 60 },
        (_, index) => [((index % 160) + 0.5) / 160, 0.7 + (0.3 * Math.floor(index / 160)) / 60] as const,
      );
      return places.filter(([x, y]) => isLike(at(x, y), wanted, 70)).length > 20;
    }

    for (const name of ["a.srt", "a.vtt", "a.ass"]) {
      it(`${name}, at their time, at the bottom`, async () => {
        const result = await make(burn(name, { size: 30 }));
        assert.deepEqual(
          [await seen(result, 0.5), await seen(result, 1.5), await seen(result, 2.5)],
          [false, true, false],
        );
      });
    }

    it("in their colours, with a box", async () => {
      const style = {
        size: 30,
        color: color(0, 0, 255),
        background: color(0, 255, 0),
        bold: true,
        font: "Lato",
      };
      const result = await make(burn("a.srt", style));
      assert.ok((await seen(result, 1.5, BLUE)) && (await seen(result, 1.5, GREEN)));
    });

    it("synchronous with the audio, in a clip and at another speed", async () => {
      const result = await make(
        { op: "clip", start: 1, end: 4 },
        { op: "speed", factor: 2 },
        burn("a.srt", { size: 30 }),
      );
      assert.deepEqual(
        [await seen(result, 0.2), await seen(result, 0.7), await seen(result, 1.1)],
        [true, false, true],
      );
    });

    it("only for a time", async () => {
      const result = await make(burn("a.srt", { size: 30 }, { time: { start: 2 } }));
      assert.deepEqual([await seen(result, 1.5), await seen(result, 3.2)], [false, true]);
    });

    it("that are none are refused", async () => {
      const answer = await server.ask(
        jobUrl("red.mp4", { steps: [burn("none.srt")], output: { video: {} } }),
      );
      assert.equal(answer.status, 400);
      assert.match(answer.text, /subtitles/);
    });
  });

  it("that are missing, or no video, fail the request, which names them", async () => {
    await writeFile(studio.path("text.mp4"), "text");
    for (const [layer, status, text] of [
      [{ kind: "image", path: "none.png", steps: [] }, 404, "'none.png' of the transformation"],
      [{ kind: "video", path: "none.mp4", steps: [] }, 404, "'none.mp4' of the transformation"],
      [{ kind: "video", path: "text.mp4", steps: [] }, 400, "Expected a video for the layer 'text.mp4'"],
    ] as [Layer, number, string][]) {
      const answer = await server.ask(jobUrl("red.mp4", { steps: [lay(layer)], output: { video: {} } }));
      assert.equal(answer.status, status, answer.text);
      assert(answer.text.includes(text), answer.text);
    }
  });
});
