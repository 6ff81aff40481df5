import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import fc from "fast-check";
import sharp from "sharp";
import { photo, seen } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

/** Light of an 8-bit value, 0–1 (IEC 61966-2-1). */
const light = (value: number) => {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
};

/** Mean light of a picture's first channel. */
async function brightness(bytes: Uint8Array): Promise<number> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  let sum = 0;
  for (let at = 0; at < data.length; at += info.channels) sum += light(data[at] as number);
  return sum / (info.width * info.height);
}

/** Black and white squares of a pixel. */
function checkerboard(side: number, alpha = false) {
  const channels = alpha ? 4 : 3;
  const data = Buffer.alloc(side * side * channels, 255);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      if ((x + y) % 2 === 0) data.fill(0, (y * side + x) * channels, (y * side + x) * channels + 3);
    }
  }
  return sharp(data, { raw: { width: side, height: side, channels } });
}

const high = { origins: ["files"], fidelity: "high" as const };

describe("fidelity", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "board.png": await checkerboard(300).png().toBuffer(),
      "board.jpg": await checkerboard(300).jpeg({ quality: 100, chromaSubsampling: "4:4:4" }).toBuffer(),
      "grey.jpg": await checkerboard(300).toColourspace("b-w").jpeg({ quality: 100 }).toBuffer(),
      "clear.png": await checkerboard(300, true).png().toBuffer(),
      "photo.jpg": await photo(611, 403),
      "turned.jpg": await sharp(await photo(403, 611))
        .withMetadata({ orientation: 6 })
        .jpeg()
        .toBuffer(),
    });
    server = await startServer({
      plugins: usual(),
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] }, high },
      server: { explain: true },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const get = async (path: string) => {
    const { status, body, headers } = await server.ask(path);
    assert.equal(status, 200, `${path}: ${headers["ik-error"]}`);
    return body;
  };

  interface Explained {
    readonly plan: {
      readonly cost: number;
      readonly explanation: { readonly passes: string[]; readonly fidelity?: string };
    };
  }
  const explain = async (path: string): Promise<Explained> =>
    JSON.parse((await server.ask(`/-/explain?url=${encodeURIComponent(path)}`)).text);

  for (const file of ["board.png", "board.jpg", "grey.jpg"]) {
    it(`keeps the light of fine patterns: ${file}`, async () => {
      for (const steps of ["w-200", "w-200,h-150,fo-auto", "w-200,rt-90", "w-200:w-200,h-180,cm-extract"]) {
        const mean = await brightness(await get(`/high/tr:${steps},f-png/${file}`));
        assert.ok(Math.abs(mean - 0.5) < 0.03, `${steps}: ${mean}`);
      }
      // The usual way darkens it.
      assert.ok((await brightness(await get(`/tr:w-200,f-png/${file}`))) < 0.45);
    });
  }

  it("has the same size as otherwise, for all targets", async () => {
    const side = fc.integer({ min: 1, max: 700 });
    const mode = fc.constantFrom(
      "",
      ",c-at_max",
      ",cm-pad_resize",
      ",fo-auto",
      ",rt-90",
      ",e-sharpen,b-3_red",
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("photo.jpg", "turned.jpg", "clear.png"),
        side,
        side,
        mode,
        async (...drawn) => {
          const [file, width, height, more] = drawn;
          const path = `tr:w-${width},h-${height}${more}/${file}`;
          const [usualOne, highOne] = [
            await seen(await get(`/${path}`)),
            await seen(await get(`/high/${path}`)),
          ];
          assert.deepEqual(highOne, usualOne);
        },
      ),
      { numRuns: 25 },
    );
  });

  it("changes nothing where nothing becomes smaller", async () => {
    for (const path of [
      "tr:f-png/photo.jpg",
      "tr:w-800,f-png/photo.jpg",
      "tr:f-webp,rt-90/photo.jpg",
      "photo.jpg",
    ]) {
      assert.deepEqual(await get(`/high/${path}`), await get(`/${path}`), path);
    }
  });

  it("has entity tags of its own where it has a say", async () => {
    const tags = await Promise.all(
      ["/tr:w-200/board.png", "/high/tr:w-200/board.png"].map(
        async (path) => (await server.ask(path)).headers.etag,
      ),
    );
    assert.notEqual(tags[0], tags[1]);
  });

  it("is named by explain, and costs more", async () => {
    const [usualOne, highOne] = [
      await explain("/tr:w-200/photo.jpg"),
      await explain("/high/tr:w-200/photo.jpg"),
    ];
    assert.deepEqual(highOne.plan.explanation.passes, ["scale to 200x132 in linear light"]);
    assert.equal(highOne.plan.explanation.fidelity, "high");
    assert.ok(highOne.plan.cost > usualOne.plan.cost);
    assert.deepEqual(usualOne.plan.explanation.passes, ["scale to 200x132"]);
    const clear = await explain("/high/tr:w-200/clear.png");
    assert.deepEqual(clear.plan.explanation.passes, ["scale to 200x200"]);
  });

  it("is refused at start if it is none of its two values, by field", async () => {
    const endpoints = { default: { origins: ["files"], fidelity: "highest" as "high" } };
    const started = startServer({
      plugins: usual(),
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints,
    });
    await assert.rejects(started, (error: Error) => /endpoints\.default\.fidelity/.test(error.message));
  });
});
