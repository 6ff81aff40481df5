import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { bodyOf, type CompleteBody, MediaError, type Plugin, type RenderContext } from "@mediatap/core";
import { makeFolder, startServer, type TestFolder, type TestServer, until } from "@mediatap/test";
import { photo } from "../support/photos.ts";
import { folderConfig } from "../support/plugins.ts";

/** An engine whose results grow as the test says. */
interface Grower extends Plugin {
  /** Runs that have begun. */
  readonly runs: () => number;
  /** Those who read along. */
  readonly reading: () => number;
  /** Adds to all that grows. */
  add(text: string): void;
  end(): void;
  fail(): void;
}

function grower(): Grower {
  let runs = 0;
  let chunks: string[] = [];
  let readers: Readable[] = [];
  let whole = Promise.withResolvers<CompleteBody>();
  whole.promise.catch(() => {});

  async function run(_context: RenderContext) {
    runs++;
    chunks = [];
    readers = [];
    whole = Promise.withResolvers<CompleteBody>();
    whole.promise.catch(() => {});
    const stream = async () => {
      const reader = new Readable({ read() {} });
      for (const chunk of chunks) reader.push(chunk);
      readers.push(reader);
      return reader;
    };
    return {
      body: { complete: false, stream, completed: whole.promise } as const,
      type: "video/mp4",
      format: "mp4",
    };
  }

  return {
    name: "grower",
    version: "1",
    apiVersion: 1,
    runs: () => runs,
    reading: () => readers.filter((reader) => !reader.destroyed).length,
    add(text) {
      chunks.push(text);
      for (const reader of readers) reader.push(text);
    },
    end() {
      for (const reader of readers) reader.push(null);
      whole.resolve(bodyOf(Buffer.from(`whole ${chunks.join("")}`)));
    },
    fail() {
      const error = new MediaError("UNIDENTIFIED", "It broke off");
      for (const reader of readers) reader.destroy(error);
      whole.reject(error);
    },
    apply({ hooks }) {
      hooks.transform.tap({ name: "grower", stage: -100 }, ({ asset, query }) => {
        if (!asset.path.startsWith("grow/")) return undefined;
        const name = query.flat().join("=");
        return { engine: "grower", lane: "video", cost: 10, memory: 0, explain: () => ({ name }), run };
      });
    },
  };
}

describe("what grows while it is sent", () => {
  let folder: TestFolder;
  let server: TestServer;
  let engine: Grower;
  before(async () => {
    folder = await makeFolder({ "grow/a.mp4": Buffer.from("source"), "photo.jpg": await photo(40, 20) });
  });
  after(() => folder.close());
  beforeEach(async () => {
    engine = grower();
    server = await startServer({
      ...folderConfig(folder.path, engine),
      limits: { videoTransforms: 1, videoQueueWait: 60_000 },
    });
  });
  afterEach(async () => {
    engine.end();
    await server.close();
  });

  const get = (query: string, headers: Record<string, string> = {}) =>
    fetch(`${server.url}/grow/a.mp4?tr=orig-false&${query}`, { headers });

  /** Reads until a text has come. */
  async function read(reader: ReadableStreamDefaultReader<Uint8Array>, length: number): Promise<string> {
    let text = "";
    while (text.length < length) {
      const { value, done } = await reader.read();
      if (done) break;
      text += Buffer.from(value).toString();
    }
    return text;
  }

  const begin = async (response: Promise<Response>, text: string) => {
    await until(() => engine.runs() === 1, "the work has begun");
    engine.add(text);
    return await response;
  };

  it("is sent from its first byte on, and promises nothing", async () => {
    const response = await begin(get("v=1"), "one ");
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("etag"), null);
    assert.equal(response.headers.get("accept-ranges"), null);
    assert.equal(response.headers.get("content-length"), null);
    assert.equal(response.headers.get("cache-control"), "no-store");
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    assert.equal(await read(reader, 4), "one ");
    engine.add("two");
    engine.end();
    assert.equal(await read(reader, 100), "two");
  });

  it("is read along, from the start, by who comes meanwhile", async () => {
    const first = await begin(get("v=1"), "one ");
    const second = await get("v=1", { range: "bytes=0-" });
    assert.equal(second.status, 200, "nothing can be resumed from it");
    engine.add("two");
    engine.end();
    assert.equal(await first.text(), "one two");
    assert.equal(await second.text(), "one two");
    assert.equal(engine.runs(), 1);
  });

  it("is waited for by who asks for a part of it", async () => {
    const first = await begin(get("v=1"), "one");
    const part = get("v=1", { range: "bytes=0-1" });
    assert.equal((await server.ask("/tr:w-20/photo.jpg")).status, 200);
    engine.end();
    assert.equal(await first.text(), "one");
    assert.equal((await part).status, 206);
    assert.equal((await part).headers.get("content-range"), "bytes 0-1/9");
    assert.equal(await (await part).text(), "wh");
    assert.equal(engine.runs(), 1);
  });

  it("is not read on for who asked for a part and has left", async () => {
    const gone = new AbortController();
    const part = fetch(`${server.url}/grow/a.mp4?tr=orig-false&v=1`, {
      headers: { range: "bytes=0-1" },
      signal: gone.signal,
    });
    part.catch(() => {});
    await until(() => engine.reading() === 1, "somebody reads along");
    gone.abort();
    await until(() => engine.reading() === 0, "nobody reads along");
  });

  it("is kept in its final form, with ranges and a tag", async () => {
    const first = await begin(get("v=1"), "one");
    engine.end();
    await first.text();
    const later = await get("v=1");
    assert.equal(await later.text(), "whole one");
    assert.equal(engine.runs(), 1);
    assert.match(later.headers.get("etag") ?? "", /^"/);
    assert.match(later.headers.get("cache-status") ?? "", /hit/);
    const part = await get("v=1", { range: "bytes=0-4" });
    assert.equal(part.status, 206);
    assert.equal(await part.text(), "whole");
  });

  it("that fails resets the connection, and is made again for the next one", async () => {
    const first = await begin(get("v=1"), "one");
    engine.fail();
    await assert.rejects(first.text());
    const second = get("v=1");
    await until(() => engine.runs() === 2, "the work has begun again");
    engine.add("again");
    engine.end();
    assert.equal(await (await second).text(), "again");
  });

  it("holds its place until it is whole, but none of the places for pictures", async () => {
    const first = await begin(get("v=1"), "one");
    const waiting = get("v=2");
    const picture = await server.ask("/tr:w-20/photo.jpg");
    assert.equal(picture.status, 200);
    assert.equal(engine.runs(), 1, "the other video waits");
    engine.end();
    await first.text();
    await until(() => engine.runs() === 2, "its turn has come");
    engine.end();
    assert.equal((await waiting).status, 200);
  });
});
