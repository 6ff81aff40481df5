import assert from "node:assert/strict";
import { jobLanguage, memoryStorage, startServer, type TestServer } from "@mediatap/test";
import { memorySource } from "../../src/decode/memory.ts";
import { createTiff } from "../../src/decode/tiff.ts";
import type { DecodeOptions } from "../../src/model/render-context.ts";
import { bodyOf } from "../../src/model/rendition.ts";
import type { Plugin } from "../../src/plugin/plugin.ts";

/** Decodes every file, and an engine that asks for pages of it. */
function decoder(
  optionss: readonly DecodeOptions[],
  decodes: DecodeOptions[],
  closed: { count: number },
): Plugin {
  const name = "test-decoder";
  return {
    name,
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.decode.tapPromise(name, async (source, options) => {
        decodes.push(options);
        if (options.page === 9) return undefined;
        const made = memorySource(source.metadata, Buffer.from(`page ${options.page ?? 1}`));
        return { ...made, close: async () => void closed.count++ };
      });
      hooks.transform.tap(name, (_job, source) => ({
        engine: name,
        lane: "light",
        cost: 1,
        memory: 0,
        explain: () => ({}),
        async run(context) {
          const found = await Promise.all(optionss.map((options) => context.decode(source, options)));
          const texts = await Promise.all(
            found.map(async (page) => page && Buffer.from(await page.bytes(99)).toString()),
          );
          assert.equal(context.sources.length, 1);
          const body = bodyOf(Buffer.from(JSON.stringify(texts)));
          return { body, type: "application/json", format: "json" };
        },
      }));
    },
  };
}

describe("decoding in a render", () => {
  let server: TestServer | undefined;
  afterEach(() => server?.close());

  it("is done once a request, is no source of its own, and is let go at the end", async () => {
    const decodes: DecodeOptions[] = [];
    const closed = { count: 0 };
    const optionss = [{}, { page: 2 }, {}, { page: 2 }, { page: 2, width: 10 }, { page: 9 }];
    server = await startServer({
      plugins: [jobLanguage(), memoryStorage(Buffer.from("file")), decoder(optionss, decodes, closed)],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    });
    const { status, text } = await server.ask("/file.bin");
    assert.equal(status, 200, text);
    assert.deepEqual(JSON.parse(text), ["page 1", "page 2", "page 1", "page 2", "page 2", null]);
    assert.equal(decodes.length, 4);
    assert.equal(closed.count, 3);
  });
});

describe("a source in memory", () => {
  const metadata = { origin: "a", path: "b", fetched: 0, size: 3, etag: '"x"' };
  const source = memorySource(metadata, Buffer.from("0123456789"));

  it("is read as any other", async () => {
    assert.deepEqual({ ...source.metadata }, { ...metadata, size: 10 });
    assert.equal(Buffer.from(await source.peek(4)).toString(), "0123");
    assert.equal(Buffer.from(await source.bytes(10)).toString(), "0123456789");
    const parts: Buffer[] = [];
    for await (const part of await source.stream({ start: 2, end: 4 })) parts.push(part);
    assert.equal(Buffer.concat(parts).toString(), "234");
    await assert.rejects(source.bytes(9), { code: "ELIMIT" });
  });
});

describe("an uncompressed TIFF", () => {
  const entries = (file: Uint8Array) => {
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const start = view.getUint32(4, true);
    const count = view.getUint16(start, true);
    return new Map(
      Array.from({ length: count }, (_, at) => {
        const entry = start + 2 + at * 12;
        return [
          view.getUint16(entry, true),
          { count: view.getUint32(entry + 4, true), value: view.getUint32(entry + 8, true) },
        ];
      }),
    );
  };

  it("has its pixels in strips, one after the other", () => {
    const { file, pixels } = createTiff({ width: 1000, height: 1000, colors: "rgb", alpha: true });
    assert.equal(pixels.length, 4_000_000);
    pixels[0] = 1;
    const tags = entries(file);
    const offsets = tags.get(273);
    assert(offsets && offsets.count > 1);
    const view = new DataView(file.buffer);
    assert.equal(file[view.getUint32(offsets.value, true)], 1);
    const counts = tags.get(279);
    assert(counts);
    const total = Array.from({ length: counts.count }, (_, at) =>
      view.getUint32(counts.value + at * 4, true),
    );
    assert.equal(
      total.reduce((sum, count) => sum + count, 0),
      4_000_000,
    );
    assert.deepEqual(
      [...tags.keys()],
      [...tags.keys()].toSorted((a, b) => a - b),
    );
  });

  it("contains a profile, and is refused beyond 4 GB", () => {
    const profile = Uint8Array.from({ length: 131 }, (_, at) => at);
    const { file } = createTiff({ width: 1, height: 1, colors: "cmyk", alpha: false, profile });
    const found = entries(file).get(34_675);
    assert(found);
    assert.deepEqual(file.subarray(found.value, found.value + found.count), profile);
    assert.throws(
      () => createTiff({ width: 65_535, height: 65_535, colors: "cmyk", alpha: false }),
      RangeError,
    );
  });
});
