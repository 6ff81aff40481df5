import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import fc from "fast-check";
import sharp from "sharp";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

const RUNGS = [640, 320, 160];
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="2000" height="1000"><rect width="9" height="9"/></svg>';

interface Explained {
  readonly key: string;
  readonly status: number;
  readonly transformation: { readonly steps: readonly Record<string, unknown>[] };
  readonly plan: { readonly explanation: { readonly size: string } };
  readonly errors: readonly { readonly message: string }[];
}

describe("rules about sizes", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    const portrait = sharp(await photo(400, 500)).jpeg();
    const framed = { top: 20, bottom: 20, left: 20, right: 20, background: "white" };
    folder = await makeFolder({
      "photo.jpg": await photo(1000, 800),
      "framed.png": await portrait.clone().extend(framed).png().toBuffer(),
      "drawing.svg": SVG,
    });
    const origins = ["files"];
    server = await startServer({
      plugins: usual(),
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: { origins },
        rungs: { origins, widths: RUNGS },
        strict: { origins, widths: RUNGS, otherWidths: "refuse" },
        small: { origins, enlarge: false },
        bounded: { origins, maxSide: 500 },
      },
      server: { explain: true },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const sizeOf = async (path: string): Promise<string> => {
    const { status, body, headers } = await server.ask(path);
    assert.equal(status, 200, `${path}: ${headers["ik-error"]}`);
    const { width, height } = await sharp(body).metadata();
    return `${width}x${height}`;
  };
  const explain = async (path: string): Promise<Explained> =>
    JSON.parse((await server.ask(`/-/explain?url=${encodeURIComponent(path)}`)).text) as Explained;
  const refusal = async (path: string) => {
    const { status, headers } = await server.ask(path);
    assert.equal(status, 400, path);
    return headers["ik-error"] ?? "";
  };

  describe("widths", () => {
    const sizes: readonly (readonly [chain: string, size: string])[] = [
      ["w-1", "160x128"],
      ["w-160", "160x128"],
      ["w-161", "320x256"],
      ["w-5000", "640x512"],
      ["w-100,dpr-3", "320x256"],
      ["w-200,h-100", "320x160"],
      ["w-200,h-100,dpr-2", "640x320"],
      ["w-200,ar-2-1", "320x160"],
      ["h-150,ar-2-1", "320x160"],
      ["w-200,h-200,c-force", "320x320"],
      ["w-200,h-100,cm-pad_resize,bg-F00", "320x160"],
      ["h-300", "400x320"],
      ["w-200:rt-90", "256x320"],
      ["w-200,h-100,cm-extract,x-10,y-10", "200x100"],
    ];
    for (const [chain, size] of sizes) {
      it(`give ${chain} ${size} pixels`, async () => {
        assert.equal(await sizeOf(`/rungs/tr:${chain}/photo.jpg`), size);
      });
    }

    it("leave the original's size and the sizes of layers alone", async () => {
      assert.equal(await sizeOf("/rungs/photo.jpg"), "1000x800");
      const { transformation } = await explain("/rungs/tr:w-200,l-image,i-photo.jpg,w-50,l-end/photo.jpg");
      assert.match(JSON.stringify(transformation), /"layer":\{.*"width":50/);
    });

    it("share one rendition among all widths up to the next one", async () => {
      const first = await server.ask("/rungs/tr:w-170/photo.jpg");
      const second = await server.ask("/rungs/tr:w-85,dpr-2/photo.jpg?tr=w-170");
      const third = await server.ask("/rungs/tr:w-311/photo.jpg");
      assert.equal(second.status, 200);
      assert.equal(third.headers.etag, first.headers.etag);
      assert.deepEqual(third.body, first.body);
    });

    it("apply in every branch of a condition", async () => {
      const { transformation } = await explain("/rungs/tr:if-iw_gt_10,w-200,if-else,w-300,if-end/photo.jpg");
      const text = JSON.stringify(transformation);
      assert.equal(text.match(/"width":320/g)?.length, 2, text);
    });

    it("never leave more renditions than there are widths, whatever is requested", async () => {
      const keys = new Set<string>();
      const width = fc.oneof(fc.integer({ min: 1, max: 4999 }), fc.constantFrom(159, 160, 161, 640, 641));
      await fc.assert(
        fc.asyncProperty(width, fc.constantFrom("", ",dpr-1.5", ",dpr-2", ",dpr-0.5"), async (w, dpr) => {
          const { key, transformation } = await explain(`/rungs/tr:w-${w}${dpr}/photo.jpg`);
          keys.add(key);
          const [step] = transformation.steps;
          assert.ok(RUNGS.includes(step?.width as number), JSON.stringify(step));
          assert.equal(step?.dpr, undefined);
          assert.ok(keys.size <= RUNGS.length, `w-${w}${dpr}`);
        }),
        { numRuns: 100 },
      );
    });

    it("refuse a calculated width, which could be any", async () => {
      const expected =
        "EINVAL - Expected a width in pixels but received a calculated one: this endpoint has fixed widths";
      for (const chain of ["w-0.5", "w-iw_div_2", "h-ih_mul_0.3", "w-200,dpr-2:w-0.5"]) {
        assert.equal(await refusal(`/rungs/tr:${chain}/photo.jpg`), expected);
      }
    });

    it("refuse all others with otherWidths: refuse", async () => {
      assert.equal(await sizeOf("/strict/tr:w-320/photo.jpg"), "320x256");
      assert.equal(await sizeOf("/strict/tr:w-160,dpr-2/photo.jpg"), "320x256");
      assert.equal(await sizeOf("/strict/tr:w-320,h-77/photo.jpg"), "320x77");
      const expected = "EINVAL - Expected one of 160, 320, 640 for the width in pixels but received";
      assert.equal(await refusal("/strict/tr:w-300/photo.jpg"), `${expected} 300`);
      assert.equal(await refusal("/strict/tr:w-320,dpr-3/photo.jpg"), `${expected} 960`);
      assert.equal(await refusal("/strict/tr:h-300/photo.jpg"), `${expected} 300`);
      assert.equal(await refusal("/strict/tr:w-200,h-100,cm-extract/photo.jpg"), `${expected} 200`);
      assert.match(await refusal("/strict/tr:w-0.5/photo.jpg"), /a calculated one/);
    });
  });

  describe("enlarge: false", () => {
    const sizes: readonly (readonly [chain: string, size: string])[] = [
      ["w-400", "400x320"],
      ["w-3000", "1000x800"],
      ["w-700,dpr-4", "1000x800"],
      ["w-2000,h-2000", "800x800"],
      ["w-2000,h-2000,c-force", "800x800"],
      ["w-2000,c-at_least,h-100", "1000x800"],
      ["w-100:w-300", "100x80"],
    ];
    for (const [chain, size] of sizes) {
      it(`gives ${chain} ${size} pixels`, async () => {
        assert.equal(await sizeOf(`/small/tr:${chain}/photo.jpg`), size);
      });
    }

    it("gives what may be enlarged elsewhere the key of what may not", async () => {
      const { key, transformation } = await explain("/small/tr:w-3000/photo.jpg");
      assert.equal(transformation.steps[0]?.enlarge, false);
      assert.equal((await explain("/small/tr:w-3000,c-at_max/photo.jpg")).key, key);
      assert.equal(await sizeOf("/tr:w-1100/photo.jpg"), "1100x880");
    });
  });

  describe("maxSide", () => {
    const sizes: readonly (readonly [path: string, size: string])[] = [
      ["photo.jpg", "500x400"],
      ["tr:w-300/photo.jpg", "300x240"],
      ["tr:w-900/photo.jpg", "500x400"],
      ["tr:w-0.9/photo.jpg", "500x400"],
      ["tr:w-900,h-300/photo.jpg", "500x167"],
      ["tr:w-300,h-900/photo.jpg", "167x500"],
      ["tr:w-900:w-600,h-300,cm-extract/photo.jpg", "500x250"],
      ["tr:rt-45/photo.jpg", "500x500"],
      ["tr:t-true:h-900/framed.png", "400x500"],
      ["tr:w-30000/photo.jpg", "500x400"],
      ["tr:orig-true/photo.jpg", "1000x800"],
      ["drawing.svg", "2000x1000"],
      ["tr:f-png/drawing.svg", "500x250"],
    ];
    for (const [path, size] of sizes) {
      it(`gives ${path} ${size} pixels`, async () => {
        assert.equal(await sizeOf(`/bounded/${path}`), size);
      });
    }

    it("shares one rendition among all that are as large as it allows", async () => {
      const { key, plan } = await explain("/bounded/tr:w-900/photo.jpg");
      assert.equal(plan.explanation.size, "500x400");
      assert.equal((await explain("/bounded/tr:w-450,dpr-3/photo.jpg")).key, key);
      assert.equal((await explain("/bounded/tr:w-500/photo.jpg")).key, key);
    });
  });

  it("are refused at start where they make no sense", async () => {
    const wrong = [
      { widths: [] },
      { widths: [0] },
      { widths: [1.5] },
      { otherWidths: "round" as "snap" },
      { maxSide: 0 },
      { enlarge: "no" as unknown as boolean },
    ];
    for (const rules of wrong) {
      const [field] = Object.keys(rules);
      const endpoints = { default: { origins: ["files"], ...rules } };
      const started = startServer({
        plugins: usual(),
        origins: { files: { type: "FOLDER", path: folder.path } },
        endpoints,
      });
      await assert.rejects(started, (error: Error) => error.message.includes(`endpoints.default.${field}`));
    }
  });
});
