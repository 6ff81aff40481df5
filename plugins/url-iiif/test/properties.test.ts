import assert from "node:assert/strict";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import {
  makeFolder,
  startServer,
  type TestFolder,
  type TestServer,
  type Witness,
  witness,
} from "@mediatap/test";
import fc from "fast-check";
import { coordinates, distance, shown } from "../../../test/suites/support/coordinates.ts";
import { urlIiif } from "../src/index.ts";

const [WIDTH, HEIGHT] = [120, 80];

const side = fc.integer({ min: 1, max: 150 });
const sides = fc.tuple(side, side).map(String);
const percent = fc.double({ min: 1, max: 99, noNaN: true }).map((value) => Number(value.toFixed(2)));
const region = fc.oneof(
  fc.constantFrom("full", "square"),
  fc.tuple(fc.nat(WIDTH - 1), fc.nat(HEIGHT - 1), side, side).map(String),
  fc.tuple(percent, percent, percent, percent).map((four) => `pct:${four}`),
);
const size = fc.oneof(
  fc.constant("max"),
  side.map((width) => `${width},`),
  side.map((height) => `,${height}`),
  sides,
  sides.map((box) => `!${box}`),
  percent.map((value) => `pct:${value}`),
);
const angle = fc.oneof(
  fc.constantFrom(0, 90, 180, 270, 360),
  percent.map((value) => value * 3),
);

const request = fc
  .record({
    region,
    size,
    upscaled: fc.constantFrom("", "^"),
    mirrored: fc.constantFrom("", "!"),
    angle,
    quality: fc.constantFrom("default", "color", "gray", "bitonal"),
    version: fc.constantFrom("", "2/", "3/"),
  })
  .map(({ region, size, upscaled, mirrored, angle, quality, version }) => {
    const start = version === "2/" ? "" : upscaled;
    return `/${version}photo.png/${region}/${start}${size}/${mirrored}${angle}/${quality}.png`;
  });

describe("url-iiif: any request", () => {
  let folder: TestFolder;
  let server: TestServer;
  let seen: Witness;
  before(async () => {
    seen = witness();
    folder = await makeFolder({ "photo.png": await coordinates(WIDTH, HEIGHT) });
    server = await startServer({
      plugins: [urlIiif(), storageFs(), imageSharp(), seen],
      origins: { files: { type: "FOLDER", path: folder.path } },
      limits: { outputMegapixels: 0.1, megapixels: 0.1 },
      endpoints: { default: { origins: ["files"] } },
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  it("has a link that asks for the same, and a canonical address with the same picture", async () => {
    const draw = async (url: string) => {
      const { status, body, headers, text } = await server.ask(url);
      if (status === 400) return undefined;
      assert.equal(status, 200, `${url}: ${status === 200 ? "" : text}`);
      const [, canonical = ""] = /<([^>]+)>; rel="canonical"/.exec(String(headers.link)) ?? [];
      return { ...(await shown(body)), canonical: canonical.replace(server.url, "") };
    };
    let count = 0;
    await fc.assert(
      fc.asyncProperty(request, async (url) => {
        const picture = await draw(url);
        const [exchange] = seen.exchanges;
        assert(exchange?.job);
        // What is larger than the region is refused, and what is larger than the limits.
        if (!picture)
          return assert.match(String(exchange.error?.message), /within the|overlaps|megapixels/, url);
        count++;
        const link = await server.server.runtime.hooks.link.for("url-iiif").promise(exchange.job, exchange);
        await server.ask(link ?? "");
        assert.equal(seen.exchanges[0]?.key, exchange.key, `${url} → ${link}`);
        const same = await draw(picture.canonical);
        assert(same, `${url} → ${picture.canonical}`);
        assert.equal(same.canonical, picture.canonical, url);
        assert.deepEqual([same.width, same.height], [picture.width, picture.height], picture.canonical);
        // A part of a few pixels, or of two colours, has no edges that can be measured.
        if (Math.min(same.width, same.height) < 16 || url.includes("bitonal")) return;
        assert(distance(same.part, picture.part) < 0.02, `${url} → ${picture.canonical}`);
      }),
      { numRuns: 100 },
    );
    assert(count > 30, String(count));
  });
});
