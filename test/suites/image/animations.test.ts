import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { makeFolder, readPng, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import fc from "fast-check";
import sharp from "sharp";
import { type ApngFrame, makeApng, type Pixel, shownBy } from "../support/apng.ts";
import { assertError } from "../support/errors.ts";
import { photo } from "../support/photos.ts";
import { folderConfig } from "../support/plugins.ts";

const [WIDTH, HEIGHT] = [40, 30];
const RED: Pixel = [255, 0, 0, 255];

const whole = { left: 0, top: 0, width: WIDTH, height: HEIGHT, dispose: "none", blend: "source" } as const;

/** Each way to lay a frame on the canvas and to take it away again. */
const FRAMES: readonly ApngFrame[] = [
  { ...whole, color: RED, delay: 100 },
  {
    left: 5,
    top: 5,
    width: 10,
    height: 10,
    color: [0, 255, 0, 255],
    delay: 250,
    dispose: "previous",
    blend: "source",
  },
  {
    left: 0,
    top: 0,
    width: 20,
    height: 12,
    color: [0, 0, 255, 128],
    delay: 40,
    dispose: "background",
    blend: "over",
  },
  {
    left: 30,
    top: 20,
    width: 10,
    height: 10,
    color: [0, 0, 0, 0],
    delay: 90,
    dispose: "none",
    blend: "source",
  },
  {
    left: 0,
    top: 0,
    width: 40,
    height: 30,
    color: [255, 255, 0, 100],
    delay: 1000,
    dispose: "none",
    blend: "over",
  },
];

const PLACES: readonly (readonly [x: number, y: number])[] = [
  [0, 0],
  [7, 7],
  [14, 14],
  [18, 3],
  [35, 25],
  [25, 15],
];

const VARIANTS = {
  "moving.png": makeApng(WIDTH, HEIGHT, FRAMES, { plays: 2 }),
  "with-still.png": makeApng(WIDTH, HEIGHT, FRAMES, { plays: 2, still: [9, 9, 9, 255] }),
  "deep.png": makeApng(WIDTH, HEIGHT, FRAMES, { plays: 2, bits: 16 }),
  // The first frame has nothing before it to go back to.
  "first-previous.png": makeApng(
    WIDTH,
    HEIGHT,
    FRAMES.map((frame, at) => (at === 0 ? { ...frame, dispose: "previous" as const } : frame)),
    { plays: 2 },
  ),
};

describe("animations that are not written", () => {
  let folder: TestFolder;
  let server: TestServer;
  let avif: Buffer;
  before(async () => {
    avif = await readFile(new URL("../../../plugins/image-sharp/test/fixtures/moving.avif", import.meta.url));
    const noStill = Buffer.from(avif);
    noStill.write("free", noStill.indexOf("meta"), "latin1");
    const outside = { ...(FRAMES[1] as ApngFrame), left: 35 };
    folder = await makeFolder({
      ...VARIANTS,
      "moving.avif": avif,
      "without-still.avif": noStill,
      "cut.avif": avif.subarray(0, 700),
      "photo.jpg": await photo(80, 60),
      "one.png": makeApng(WIDTH, HEIGHT, FRAMES.slice(0, 1)),
      "cut.png": VARIANTS["moving.png"].subarray(0, -100),
      "outside.png": makeApng(WIDTH, HEIGHT, [FRAMES[0] as ApngFrame, outside]),
      "fewer.png": makeApng(WIDTH, HEIGHT, FRAMES, { count: 6 }),
      "more.png": makeApng(WIDTH, HEIGHT, FRAMES, { count: 2 }),
      "many.png": makeApng(WIDTH, HEIGHT, FRAMES, { count: 401 }),
      "bomb.png": makeApng(6000, 6000, [{ ...whole, color: RED, delay: 10 }, FRAMES[1] as ApngFrame]),
    });
    server = await startServer(folderConfig(folder.path));
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  async function made(path: string, accept = "*/*") {
    const answer = await server.ask(path, { headers: { accept } });
    assert.equal(answer.status, 200, `${path}: ${answer.text.slice(0, 100)}`);
    return answer;
  }
  const metaOf = async (path: string, accept?: string) => {
    const { body } = await made(path, accept);
    const {
      format,
      pages = 1,
      pageHeight,
      width,
      delay,
      loop,
    } = await sharp(body, { animated: true }).metadata();
    return { format, pages, pageHeight, width, delay, loop };
  };
  const refused = async (path: string, status: number, code: string) =>
    assertError(await server.ask(path), status, code, [folder.path]);

  it("are delivered as they are if the URL asks for nothing", async () => {
    for (const [path, bytes, type] of [
      ["/moving.avif", avif, "image/avif"],
      ["/moving.png", VARIANTS["moving.png"], "image/png"],
      ["/moving.png?tr=f-auto", VARIANTS["moving.png"], "image/png"],
      ["/moving.png?tr=orig-true", VARIANTS["moving.png"], "image/png"],
    ] as const) {
      for (const accept of ["*/*", "image/webp", "image/avif,image/webp"]) {
        const { body, headers } = await made(path, accept);
        assert(body.equals(bytes), path);
        assert.equal(headers["content-type"], type);
      }
    }
  });

  describe("AVIF", () => {
    it("is the first frame once a picture of it is asked for", async () => {
      for (const path of ["/moving.avif?tr=w-24,f-png", "/moving.avif/ik-thumbnail.jpg?tr=w-24,f-png"]) {
        const picture = readPng((await made(path)).body);
        assert.deepEqual([picture.width, picture.height], [24, 16]);
        const [red = 0, green = 0, blue = 0] = picture.at(12, 8);
        assert(red > 235 && green < 20 && blue < 20, `${red}, ${green}, ${blue}`);
      }
      for (const [tr, format] of [
        ["w-24", "jpeg"],
        ["f-webp", "webp"],
        ["f-avif", "heif"],
      ]) {
        const meta = await metaOf(`/moving.avif?tr=${tr}`);
        assert.deepEqual([meta.format, meta.pages], [format, 1], tr);
      }
      const layer = readPng((await made("/photo.jpg?tr=l-image,i-moving.avif,lx-0,ly-0,l-end,f-png")).body);
      assert(layer.at(10, 10)[0] > 235 && layer.at(10, 10)[1] < 20);
      await refused("/moving.avif?tr=pg-2", 400, "EINVAL");
    });

    it("is refused by name if there is no picture in it", async () => {
      await refused("/without-still.avif?tr=w-24", 403, "EUNSUPPORTED");
      assert.match((await server.ask("/without-still.avif?tr=w-24")).text, /animated AVIF/);
      assert.equal((await made("/without-still.avif")).headers["content-type"], "image/avif");
      await refused("/cut.avif?tr=w-24", 404, "UNIDENTIFIED");
    });
  });

  describe("PNG", () => {
    it("keeps frames and timing as WebP and GIF", async () => {
      for (const name of Object.keys(VARIANTS)) {
        for (const [tr, accept, format] of [
          ["f-webp", "*/*", "webp"],
          ["f-gif", "*/*", "gif"],
          ["w-20", "*/*", "gif"],
          ["w-20", "image/webp", "webp"],
          ["rt-180", "image/webp", "webp"],
        ] as const) {
          const meta = await metaOf(`/${name}?tr=${tr}`, accept);
          assert.deepEqual([meta.format, meta.loop], [format, 2], `${name}?tr=${tr}`);
          // Frames that are equal in the colours of a GIF are one.
          const times = format === "gif" ? [sumOf(meta.delay)] : meta.delay;
          assert.deepEqual(times, format === "gif" ? [1480] : [100, 250, 40, 90, 1000], `${name}?tr=${tr}`);
          assert(meta.pages >= 4, `${name}?tr=${tr}: ${meta.pages} frames`);
          if (tr === "w-20") assert.deepEqual([meta.width, meta.pageHeight], [20, 15]);
        }
      }
    });

    it("shows what the specification says, frame by frame", async () => {
      for (const name of Object.keys(VARIANTS)) {
        const frames = FRAMES.map((frame, at) =>
          name === "first-previous.png" && at === 0 ? { ...frame, dispose: "previous" as const } : frame,
        );
        const { body } = await made(`/${name}?tr=f-webp,lo-true`);
        for (const at of frames.keys()) {
          const { data } = await sharp(body, { page: at })
            .ensureAlpha()
            .raw()
            .toBuffer({ resolveWithObject: true });
          const page = at > 0 ? readPng((await made(`/${name}?tr=pg-${at + 1},f-png`)).body) : undefined;
          for (const [x, y] of PLACES) {
            const expected = shownBy(frames, at, x, y);
            const start = (y * WIDTH + x) * 4;
            assertNear([...data.subarray(start, start + 4)], expected, `${name}, frame ${at} at ${x}, ${y}`);
            if (page) assertNear([...page.at(x, y)], expected, `${name}, page ${at + 1} at ${x}, ${y}`);
          }
        }
      }
    });

    it("is its first frame as a still, or the picture that it has for readers of stills", async () => {
      for (const tr of ["f-png", "f-jpg,q-100", "pg-1,f-png"]) {
        const still = await sharp((await made(`/moving.png?tr=${tr}`)).body)
          .ensureAlpha()
          .raw()
          .toBuffer();
        assertNear([...still.subarray(0, 4)], RED, tr);
      }
      const still = readPng((await made("/with-still.png?tr=f-png")).body);
      assert.deepEqual([...still.at(3, 3)], [9, 9, 9, 255]);
      assert.equal((await metaOf("/one.png?tr=w-20", "image/webp")).pages, 1);
      assert.equal((await metaOf("/more.png?tr=w-20", "image/webp")).pages, 2);
      await refused("/moving.png?tr=pg-6", 400, "EINVAL");
    });

    it("is refused if it is broken or beyond limits, and never half a picture", async () => {
      for (const name of ["cut", "outside", "fewer"]) {
        await refused(`/${name}.png?tr=w-20,f-webp`, 404, "UNIDENTIFIED");
      }
      for (const name of ["many", "bomb"]) await refused(`/${name}.png?tr=w-20,f-webp`, 400, "ELIMIT");
    });

    it("answers any damage", async () => {
      const good = VARIANTS["moving.png"];
      const damage = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
      let number = 0;
      await fc.assert(
        fc.asyncProperty(damage, async (changes) => {
          const bytes = Uint8Array.from(good);
          for (const [at, value] of changes) bytes[at] = value;
          const name = `damaged-${number++}.png`;
          await folder.write(name, bytes);
          const { status, text } = await server.ask(`/${name}?tr=w-20,f-webp`);
          assert(status === 200 || (status >= 400 && status < 500), `${status} ${text.slice(0, 100)}`);
        }),
        { numRuns: 40 },
      );
    });
  });
});

const sumOf = (values: readonly number[] = []) => values.reduce((sum, value) => sum + value, 0);

function assertNear(seen: readonly number[], expected: Pixel, what: string): void {
  // What is clear has no colour.
  const channels = expected[3] === 0 ? [3] : [0, 1, 2, 3];
  const far = channels.some((channel) => Math.abs((seen[channel] ?? -99) - (expected[channel] ?? 0)) > 3);
  assert(!far, `${what}: expected ${expected} but found ${seen}`);
}
