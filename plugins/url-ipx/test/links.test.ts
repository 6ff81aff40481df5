import assert from "node:assert/strict";
import {
  echoEngine,
  memoryStorage,
  startServer,
  type TestServer,
  type Witness,
  witness,
} from "@mediatap/test";
import fc from "fast-check";
import { urlIpx } from "../src/index.ts";

const side = fc.integer({ min: 1, max: 900 });
const box = fc.tuple(side, side).map((sides) => `s_${sides.join("x")}`);
const four = fc.tuple(side, side, side, side).map((values) => values.join("_"));

/** One of each kind, or none. */
const modifiers = fc
  .record(
    {
      size: fc.oneof(
        side.map((width) => `w_${width}`),
        side.map((height) => `h_${height}`),
        box,
      ),
      fit: fc.constantFrom("cover", "contain", "fill", "inside", "outside").map((fit) => `fit_${fit}`),
      position: fc.constantFrom("top", "right%20top", "attention", "centre").map((place) => `pos_${place}`),
      background: fc.constantFrom("ff0000", "0f08", "navy").map((colour) => `b_${colour}`),
      enlarge: fc.constant("enlarge"),
      extract: four.map((window) => `extract_${window}`),
      extend: four.map((edges) => `extend_${edges}`),
      trim: fc.integer({ min: 1, max: 99 }).map((tolerance) => `trim_${tolerance}`),
      rotate: fc.constantFrom(90, 180, -90, 30).map((angle) => `rotate_${angle}`),
      flip: fc.constantFrom("flip", "flop", "flip,flop"),
      blur: fc.double({ min: 0.3, max: 100, noNaN: true }).map((sigma) => `blur_${sigma.toFixed(3)}`),
      tone: fc.constantFrom("grayscale", "normalize", "flatten", "sharpen_1"),
      format: fc.constantFrom("auto", "webp", "jpg", "png", "gif").map((format) => `f_${format}`),
      quality: fc.integer({ min: 1, max: 100 }).map((quality) => `q_${quality}`),
      animated: fc.constant("animated"),
    },
    { requiredKeys: [] },
  )
  .map((chosen) => Object.values(chosen).filter((text) => text !== undefined))
  .map((items) => (items.length === 0 ? "_" : items.join(",")));

describe("url-ipx: links", () => {
  let server: TestServer;
  let seen: Witness;
  before(async () => {
    seen = witness();
    server = await startServer({
      plugins: [urlIpx(), memoryStorage(Buffer.from("a file")), echoEngine(), seen],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    });
  });
  after(() => server?.close());

  it("ask for the same as the URLs of which they are made, whatever those contain", async () => {
    await fc.assert(
      fc.asyncProperty(modifiers, async (text) => {
        const { status } = await server.ask(`/_ipx/${text}/a.jpg`);
        const [exchange] = seen.exchanges;
        assert(exchange?.job);
        // What is refused, such as a rotation beside a height, has no link.
        if (status === 403) return;
        assert.equal(status, 200, text);
        const link = await server.server.runtime.hooks.link.for("url-ipx").promise(exchange.job, exchange);
        await server.ask(link ?? "");
        assert.equal(seen.exchanges[0]?.key, exchange.key, `${text} → ${link}`);
      }),
      { numRuns: 300 },
    );
  });
});
