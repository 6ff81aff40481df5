import assert from "node:assert/strict";
import { imageSharp } from "@mediatap/image-sharp";
import { describeLanguage, describeStep } from "@mediatap/test";
import { pixelsOf, serveExample } from "../serve.ts";
import { pixelate } from "./pixelate.ts";
import { signed, urlPixels } from "./url-pixels.ts";

describe("example: a step and a URL language of one's own", () => {
  let server: Awaited<ReturnType<typeof serveExample>>;
  before(async () => {
    server = await serveExample(import.meta.dirname);
  });
  after(() => server.close());

  const pictureOf = async (path: string) => {
    const { status, body, text } = await server.ask(path);
    assert.equal(status, 200, text.slice(0, 200));
    return pixelsOf(body);
  };

  it("draws blocks of one colour", async () => {
    const { width, height, at } = await pictureOf("/w640/pixels32/zoom.webp");
    assert.deepEqual([width, height], [640, 360]);
    // GIF and JPEG do not stay exact, but within a block everything is near its middle.
    for (const [x, y] of [
      [64, 64],
      [320, 160],
      [512, 288],
    ] as const) {
      const middle = at(x + 16, y + 16);
      for (const [dx, dy] of [
        [6, 6],
        [25, 6],
        [25, 25],
      ] as const) {
        const far = at(x + dx, y + dy).map((value, channel) => Math.abs(value - (middle[channel] ?? 0)));
        assert(Math.max(...far) < 24, `${x + dx},${y + dy}`);
      }
    }
  });

  it("leaves the picture alone where blocks are one pixel", async () => {
    const [one, none] = [await server.ask("/w100/pixels1/dogs.jpg"), await server.ask("/w100/dogs.jpg")];
    assert.equal(one.headers.etag, none.headers.etag);
    assert(one.body.equals(none.body));
  });

  it("works before and after other steps", async () => {
    const after = await pictureOf("/w200/pixels50/dogs.jpg");
    const before = await pictureOf("/pixels50/w200/dogs.jpg");
    assert.deepEqual([after.width, after.height], [before.width, before.height]);
    const differs = [...Array(200).keys()].some((x) => `${after.at(x, 90)}` !== `${before.at(x, 90)}`);
    assert(differs);
  });

  it("keeps photographs JPEGs", async () => {
    const [blocks, plain] = [await server.ask("/w300/pixels12/dogs.jpg"), await server.ask("/w300/dogs.jpg")];
    assert.equal(plain.headers["content-type"], "image/jpeg");
    assert.equal(blocks.headers["content-type"], "image/jpeg");
    assert(blocks.body.length < 2 * plain.body.length, `${blocks.body.length} of ${plain.body.length} bytes`);
  });

  it("says what is wrong with a URL", async () => {
    const { status, text } = await server.ask("/pixels0/dogs.jpg");
    assert.deepEqual(
      [status, text.trim()],
      [400, "Expected integer from 1 to 9999 for pixels but received '0'"],
    );
  });
});

describeStep("pixelate", () => ({
  plugin: pixelate(),
  engine: imageSharp(),
  steps: [
    { op: "pixelate", size: 8 },
    { op: "pixelate", size: 30 },
  ],
  nothing: [{ op: "pixelate", size: 1 }],
  wrong: [
    { op: "pixelate", size: 0 },
    { op: "pixelate", size: "8" },
  ],
}));

describeLanguage("url-pixels", {
  plugin: urlPixels(),
  sign: signed,
  beside: [pixelate()],
  equal: [
    ["/pixels1/a.jpg", "/a.jpg"],
    ["/w9/pixels3/b%20c.jpg", "/w9/pixels3/%62%20c.jpg"],
  ],
  different: [
    "/a.jpg",
    "/b.jpg",
    "/a.jpg?v=2",
    "/w9/a.jpg",
    "/w8/a.jpg",
    "/pixels9/a.jpg",
    "/pixels9/w9/a.jpg",
    "/w9/pixels9/a.jpg",
  ],
  wrong: ["/pixels0/a.jpg", "/w/a.jpg", "/wide/a.jpg"],
  unresolvable: ["/w9/../a.jpg", "/a%00.jpg", "/a%ff.jpg"],
});
