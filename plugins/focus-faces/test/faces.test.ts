import assert from "node:assert/strict";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import type { Plugin } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { type Answer, makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { focusFaces } from "../src/index.ts";
import { focusFacesBy } from "../src/plugin.ts";
import { CANVAS, MARKED, PHOTO_SIZE, type Position, picture, type Seen, seen } from "./pictures.ts";

const SAMPLES = join(import.meta.dirname, "../../../examples/start/media");
/** As high as the whole face is marked, to the pixel. */
const MARKED_HEIGHT = 64;
const MIDDLE_POSITION: Position = { left: 430, top: 280 };
const LOWER_POSITION: Position = { left: 100, top: 480 };
/** The pictures that the tests share, as a source is searched once: `middle.png`… */
const POSITIONS: Record<string, Position> = {
  "upper-left": { left: 0, top: 0 },
  middle: MIDDLE_POSITION,
  "lower-right": { left: CANVAS.width - PHOTO_SIZE.width, top: CANVAS.height - PHOTO_SIZE.height },
  "lower-left": LOWER_POSITION,
};
const FACELESS = ["dogs.jpg"];

/** Counts the searches: each begins with a preview. */
function counter() {
  const searches = { count: 0 };
  const plugin: Plugin = {
    name: "counter",
    version: "1",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.inspect.for("preview").tap({ name: "counter", stage: -10 }, () => {
        searches.count++;
        return undefined;
      });
    },
  };
  return { searches, plugin };
}

describe("focus-faces", () => {
  let folder: TestFolder;
  let server: TestServer;
  let plain: TestServer;
  const { searches, plugin } = counter();

  const start = (...plugins: Plugin[]) =>
    startServer({
      plugins: [urlImagekit(), storageFs(), imageSharp(), ...plugins],
      origins: {
        files: { type: "FOLDER", path: folder.path },
      },
      endpoints: { default: { origins: ["files"], autoFormat: false } },
    });

  before(async () => {
    folder = await makeFolder();
    // Patient: a degraded picture is not what is looked at here.
    server = await start(focusFaces({ timeout: 50_000 }), plugin);
    plain = await start();
    for (const [name, position] of Object.entries(POSITIONS)) await put(`${name}.png`, [position]);
    // Without a face.
    for (const name of FACELESS) {
      await folder.write(name, await sharp(join(SAMPLES, name)).resize(480).jpeg().toBuffer());
    }
  });
  after(async () => {
    await Promise.all([server.close(), plain.close()]);
    await folder.close();
  });

  const put = async (name: string, positions: readonly Position[]) =>
    folder.write(name, await (await picture(positions)).png().toBuffer());

  async function get(path: string, from = server): Promise<Answer> {
    const response = await from.ask(path);
    assert.equal(response.status, 200, `${path}: ${response.text.slice(0, 200)}`);
    return response;
  }
  const crop = async (path: string, from = server): Promise<Seen> => seen((await get(path, from)).body);

  /** The face is whole, and lies in the middle as far as the picture's edges let it. */
  function assertContains({ width, height, marks }: Seen, { left, top }: Position, scale = 1) {
    assert.ok(marks, "no face in the crop");
    const close = (actual: number, expected: number, tolerance: number) =>
      assert.ok(
        Math.abs(actual - expected) <= tolerance,
        `expected about ${expected} but received ${actual}`,
      );
    close(marks.width, MARKED.width * scale, 3);
    close(marks.height, MARKED.height * scale, 3);
    const free = { left: left > width, right: CANVAS.width - left - PHOTO_SIZE.width > width };
    if (free.left && free.right) close(marks.left + marks.width / 2, width / 2, 20 * scale);
    if (top > height && top + PHOTO_SIZE.height + height < CANVAS.height) {
      close(marks.top + marks.height / 2, height / 2, 30 * scale);
    }
  }

  describe("crops", () => {
    for (const [name, position] of Object.entries(POSITIONS)) {
      it(`contain a face that is ${name.replace("-", " ")}`, async () => {
        const window = await crop(`/tr:w-260,h-260,cm-extract,fo-face/${name}.png`);
        assert.deepEqual([window.width, window.height], [260, 260]);
        assertContains(window, position);
        assert.equal(window.marks?.pixels, MARKED_HEIGHT);
        const cover = await crop(`/tr:w-160,h-400,fo-face/${name}.png`);
        assert.deepEqual([cover.width, cover.height], [160, 400]);
        assertContains(cover, { ...position, top: 0 }, 0.5);
        // The bait is what such a crop would look at otherwise.
        assert.equal((await crop(`/tr:w-260,h-260,cm-extract,fo-face/${name}.png`, plain)).marks, undefined);
      });
    }

    it("are equal to those of fo-auto if there is no face, or no plugin that finds faces", async () => {
      for (const from of [server, plain]) {
        for (const name of FACELESS) {
          const face = await get(`/tr:w-120,h-90,fo-face,f-png/${name}`, from);
          assert.deepEqual(face.body, (await get(`/tr:w-120,h-90,fo-auto,f-png/${name}`, from)).body);
          assert.equal(face.headers["x-mediatap-provenance"], undefined);
          assert.ok(face.headers.etag);
        }
      }
      // Without a size there is nothing to be cut off, but for the ratio.
      const uncropped = await sharp((await get("/tr:fo-face/dogs.jpg")).body).metadata();
      const source = await sharp(join(folder.path, "dogs.jpg")).metadata();
      assert.deepEqual([uncropped.width, uncropped.height], [source.width, source.height]);
      const square = await sharp((await get("/tr:fo-face,ar-1/dogs.jpg")).body).metadata();
      assert.equal(square.width, Math.min(source.width, source.height));
      assert.equal(square.width, square.height);
    });

    it("contain all faces that fit, else the largest", async () => {
      await put("two.png", [
        { left: 150, top: 250, scale: 0.7 },
        { left: 500, top: 300 },
      ]);
      const both = await crop("/tr:w-600,h-300,cm-extract,fo-face/two.png");
      assert.equal(both.marks?.pixels, 2 * MARKED_HEIGHT);
      const one = await crop("/tr:w-250,h-250,cm-extract,fo-face/two.png");
      assertContains(one, { left: 500, top: 300 });
      assert.equal(one.marks?.pixels, MARKED_HEIGHT);
    });

    it("are as large as the head if no size is given, or as ar requests", async () => {
      const head = await crop("/tr:fo-face/middle.png");
      assert.equal(head.marks?.pixels, MARKED_HEIGHT);
      assert.ok(head.width >= MARKED.width && head.width <= 1.8 * MARKED.width, `${head.width} px wide`);
      assert.ok(head.height >= MARKED.height && head.height <= 1.9 * MARKED.height, `${head.height} px high`);
      const wide = await crop("/tr:fo-face,ar-2_1/middle.png");
      assert.deepEqual([wide.width, wide.height], [2 * head.height, head.height]);
      const far = await crop("/tr:fo-face,z-0.5/middle.png");
      assert.ok(Math.abs(far.width - 2 * head.width) <= 2 && Math.abs(far.height - 2 * head.height) <= 2);
      assertContains(far, MIDDLE_POSITION);
      // What comes after starts from that size.
      const half = await crop("/tr:fo-face:w-cw_div_2/middle.png");
      assert.equal(half.width, Math.round(head.width / 2));
    });

    it("zoom and keep their size", async () => {
      const request = "w-200,h-200,cm-extract,fo-face";
      assertContains(await crop(`/tr:${request},z-0.5/middle.png`), MIDDLE_POSITION, 0.5);
      assertContains(await crop(`/tr:${request}/middle.png`), MIDDLE_POSITION);
      assertContains(await crop(`/tr:${request},z-1.5/middle.png`), MIDDLE_POSITION, 1.5);
      const cover = await crop("/tr:w-200,h-200,fo-face,z-4/middle.png");
      assert.deepEqual([cover.width, cover.height], [200, 200]);
      assertContains(cover, MIDDLE_POSITION);
    });

    it("pad the area beside the picture", async () => {
      const padded = await crop("/tr:w-300,h-600,cm-pad_extract,fo-face,z-0.5,bg-00FF00/middle.png");
      assert.deepEqual([padded.width, padded.height], [300, 600]);
      assert.ok(padded.marks && Math.abs(padded.marks.width - MARKED.width / 2) <= 3);
    });
  });

  describe("faces", () => {
    it("follow the orientation of the camera", async () => {
      const turned = await (await picture([LOWER_POSITION]))
        .rotate(270)
        .jpeg({ quality: 95 })
        .withMetadata({ orientation: 6 });
      await folder.write("camera.jpg", await turned.toBuffer());
      assertContains(await crop("/tr:w-260,h-260,cm-extract,fo-face,f-png/camera.jpg"), LOWER_POSITION);
    });

    it("are mapped through the steps before", async () => {
      for (const steps of [
        "b-60_00FF00:t-true",
        "rt-180",
        "fl-h",
        "rt-90",
        "w-600",
        "b-40_00FF00",
        "e-grayscale-false:w-1100,h-800,fo-left",
      ]) {
        const { marks } = await crop(`/tr:${steps}:w-250,h-250,cm-extract,fo-face/lower-left.png`);
        assert.ok(marks, steps);
        const scale = steps === "w-600" ? 0.5 : 1;
        const sides = [marks.width, marks.height].sort((a, b) => a - b);
        assert.ok(Math.abs((sides[0] as number) - MARKED.width * scale) <= 3, `${steps}: ${sides}`);
        assert.ok(Math.abs((sides[1] as number) - MARKED.height * scale) <= 3, `${steps}: ${sides}`);
      }
    });

    it("of the first frame apply to all frames", async () => {
      const [first, second] = await Promise.all([
        picture([MIDDLE_POSITION]),
        picture([{ left: 440, top: 290 }]),
      ]);
      const frames = await Promise.all([first, second].map((frame) => frame.png().toBuffer()));
      const animation = await sharp(frames, { join: { animated: true } })
        .webp({ lossless: true })
        .toBuffer();
      await folder.write("animation.webp", animation);
      const { body } = await get("/tr:w-250,h-250,cm-extract,fo-face,lo-true/animation.webp");
      assert.equal((await sharp(body).metadata()).pages, 2);
      const [one, two] = [await seen(body, 0), await seen(body, 1)];
      assert.ok(one.marks && two.marks);
      assertContains(one, MIDDLE_POSITION);
      assert.equal(two.marks.left - one.marks.left, 10, "the window stands still");
      const trimmed = await get(
        "/tr:b-60_00FF00:t-true:w-250,h-250,cm-extract,fo-face,lo-true/animation.webp",
      );
      assertContains(await seen(trimmed.body), MIDDLE_POSITION);
    });

    it("are searched in layers, too", async () => {
      const { marks } = await crop(
        "/tr:w-400,l-image,i-middle.png,w-220,h-220,cm-extract,fo-face,l-end,f-png/dogs.jpg",
      );
      assert.ok(marks && marks.pixels >= MARKED_HEIGHT - 4);
    });

    it("are searched once for each source", async () => {
      await put("once.png", [MIDDLE_POSITION]);
      searches.count = 0;
      await Promise.all([100, 120, 140].map((width) => get(`/tr:w-${width},h-100,fo-face/once.png`)));
      await get("/tr:fo-face/once.png");
      assert.equal(searches.count, 1);
      await folder.touch("once.png", -100);
      await get("/tr:w-130,h-100,fo-face/once.png");
      assert.equal(searches.count, 2);
      // No crop, no search.
      await get("/tr:w-130,fo-face/once.png");
      await get("/tr:w-130,h-10,c-force,fo-face/once.png");
      await get("/tr:w-130,h-10,fo-auto/once.png");
      assert.equal(searches.count, 2);
    });
  });

  describe("a search that fails", () => {
    const program = (name: string) => new URL(`threads/${name}.ts`, import.meta.url);

    for (const [name, options] of [
      ["crash", {}],
      ["hang", { timeout: 300 }],
      ["missing", {}],
    ] as const) {
      it(`is treated as no face, for a few seconds (${name})`, async () => {
        const broken = await start(focusFacesBy(program(name), options), cacheMemory());
        try {
          const url = "/tr:w-260,h-260,cm-extract,fo-face/middle.png";
          for (let times = 0; times < 2; times++) {
            const response = await get(url, broken);
            assert.equal(response.headers["x-mediatap-provenance"], "degraded");
            assert.equal(response.headers["cache-control"], "public, max-age=5");
            assert.equal(response.headers.etag, undefined);
            assert.ok(!response.headers["cache-status"]?.includes("stored"));
            assert.deepEqual(response.body, (await get(url, plain)).body);
          }
          assert.equal(
            (await get("/tr:w-10,h-10,fo-auto/middle.png", broken)).headers["x-mediatap-provenance"],
            undefined,
          );
        } finally {
          await broken.close();
        }
      });
    }
  });

  it("checks its options", () => {
    assert.throws(() => focusFaces({ confidence: 2 }), /confidence/);
    assert.throws(() => focusFaces({ timout: 1 } as never), /timeout/);
  });
});
