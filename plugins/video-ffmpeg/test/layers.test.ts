import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Layer, Place, Step } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { describeWith, startServer, type TestServer, wishLanguage, wishUrl } from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { isLike, look, type Result } from "./support/results.ts";
import { FFMPEG, mp4, openStudio, type Studio } from "./support/videos.ts";

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
    server = await startServer({
      plugins: [wishLanguage(), storageFs(), imageSharp(), videoFfmpeg({ delivery: "wait" }), cacheMemory()],
      origins: { files: { type: "FOLDER", path: studio.folder } },
      endpoints: { default: { origins: ["files"] } },
    });
  });
  after(async () => {
    await server.close();
    await studio.close();
  });

  const logo: Layer = { kind: "image", path: "logo.png", steps: [] };
  const lay = (layer: Layer, place: Place = { gravity: "center" }, more: object = {}) =>
    ({ op: "overlay", layer, place, ...more }) as Step;

  async function make(...steps: Step[]): Promise<Result> {
    const answer = await server.ask(wishUrl("red.mp4", { steps, output: { video: {} } }));
    assert.equal(answer.status, 200, answer.status === 200 ? "" : answer.text);
    return look(studio, answer.body);
  }

  it("lie where they lie on pictures, at the size of the picture below", async () => {
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

  it("keep their time behind a change of speed, and in a piece", async () => {
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
      width: ["div", "bw", 2],
      height: ["div", "bh", 2],
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

  it("several, in their order", async () => {
    const green: Layer = { kind: "color", color: color(0, 255, 0), width: 20, height: 20, steps: [] };
    const at = await (await make(lay(logo), lay(green))).at(1);
    assert.ok(isLike(at(0.5, 0.5), GREEN, 40));
    assert.ok(isLike(at(0.45, 0.5), BLUE, 40));
  });

  it("that are missing fail the request", async () => {
    const missing: Layer = { kind: "image", path: "none.png", steps: [] };
    const answer = await server.ask(wishUrl("red.mp4", { steps: [lay(missing)], output: { video: {} } }));
    assert.equal(answer.status, 404);
  });
});
