import assert from "node:assert/strict";
import { type FileHandle, open } from "node:fs/promises";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import { makePng, startOrigin, startServer, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { cacheDisk } from "../src/index.ts";
import { makePlace, type Place } from "./place.ts";

const KB = 1024;

/** The same numbers from 0 to 1 in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("cache-disk: a server whose entries are damaged", () => {
  const COUNT = 12;
  const random = seeded(3);
  let place: Place;
  let origin: WebOrigin;
  let server: TestServer;
  before(async () => {
    place = await makePlace();
    const pixels = () => [0, 0, 0].map(() => Math.floor(random() * 256)).concat(255);
    origin = await startOrigin({ "noise.png": makePng(700, 600, pixels as never) });
    server = await startServer({
      plugins: [urlImagekit(), storageWeb(), imageSharp(), cacheDisk({ path: place.path, timeout: 30_000 })],
      origins: { web: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["web"] } },
    });
  });
  after(async () => {
    await server?.close();
    await Promise.all([place?.close(), origin?.close()]);
  });

  it("answers with whole pictures, whichever bytes of them were changed", async () => {
    const paths = Array.from({ length: COUNT }, (_, at) => `/tr:w-${500 + at * 15},f-png,lo-true/noise.png`);
    const before = [];
    for (const path of paths) before.push(await server.ask(path));
    for (const { body } of before) assert(body.length > 256 * KB);
    await until(async () => (await place.entries()).length === COUNT, "all are stored");
    // They are known to be whole.
    for (const [at, path] of paths.entries()) {
      const answer = await server.ask(path);
      assert.match(answer.headers["cache-status"] ?? "", /; hit; .*detail=cache-disk/);
      assert(answer.body.equals((before[at] as typeof answer).body));
    }
    for (const path of await place.entries()) await damage(path);
    const after = await Promise.all(paths.map((path) => server.ask(path)));
    for (const [at, { status, headers, body }] of after.entries()) {
      assert.equal(status, 200);
      assert.match(headers["cache-status"] ?? "", /fwd=miss/);
      assert(body.equals((before[at] as { body: Buffer }).body));
    }
  });

  /** Changes one byte, somewhere in the file. */
  async function damage(path: string): Promise<void> {
    const handle: FileHandle = await open(path, "r+");
    const { size } = await handle.stat();
    const position = Math.floor(random() * size);
    const byte = Buffer.alloc(1);
    await handle.read(byte, 0, 1, position);
    await handle.write(Buffer.of((byte[0] as number) ^ 0x10), 0, 1, position);
    await handle.close();
  }
});
