import assert from "node:assert/strict";
import { type OutgoingHttpHeaders, request, type ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { LimitName, Step } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import {
  type Answer,
  describeWith,
  jobLanguage,
  jobUrl,
  type OriginFile,
  readPng,
  startOrigin,
  startServer,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { videoFfmpeg } from "../../src/index.ts";
import { temp } from "../../src/process/temp.ts";
import { BLOCK_BYTES } from "../../src/read/blocks.ts";
import { argumentsOf, ownProgramsWith } from "../support/processes.ts";
import { FFMPEG, mp4, numbered, numberIn, openStudio, type Studio } from "../support/videos.ts";

const frame = (time?: number): Step => ({ op: "frame", page: 1, ...(time !== undefined && { time }) });

describeWith(FFMPEG, "video-ffmpeg: videos at origins", () => {
  let studio: Studio;
  let origin: WebOrigin;
  let large: Buffer;
  let small: Buffer;
  const servers: TestServer[] = [];

  const start = async (limits: Partial<Record<LimitName, number>> = {}) => {
    const server = await startServer({
      plugins: [jobLanguage(), storageWeb(), imageSharp(), videoFfmpeg()],
      origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["site"] } },
      limits,
    });
    servers.push(server);
    return server;
  };

  before(async () => {
    studio = await openStudio();
    origin = await startOrigin();
    // 43 MB, its index at the end.
    await Promise.all([
      studio.make("large.mov", ...numbered(60), "-c:v", "rawvideo", "-pix_fmt", "uyvy422"),
      studio.make("small.mp4", ...numbered(4), ...mp4()),
    ]);
    [large, small] = [await studio.bytes("large.mov"), await studio.bytes("small.mp4")];
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.close();
  });
  after(async () => {
    await origin?.close();
    await studio?.close();
  });

  /** Under a name of its own: nothing is known of it. */
  let names = 0;
  function put(file: OriginFile | Uint8Array, extension = "mov"): string {
    const name = `video-${++names}.${extension}`;
    origin.files.set(name, file instanceof Uint8Array ? { bytes: file } : file);
    return name;
  }

  const ask = (server: TestServer, name: string, time?: number, options = {}) =>
    server.ask(jobUrl(name, { steps: [frame(time)], output: { format: "png" } }), options);

  /** As the origin answers by itself, but for what a test wants otherwise. */
  function answering(
    bytes: Buffer,
    headers: OutgoingHttpHeaders,
    send = (response: ServerResponse, part: Buffer, _first: number): void => void response.end(part),
  ): OriginFile {
    return {
      answer(sent, response) {
        const range = /^bytes=(\d+)-(\d+)$/.exec(sent.headers.range ?? "");
        const [first, last] = range ? [Number(range[1]), Number(range[2])] : [0, bytes.length - 1];
        response.writeHead(range ? 206 : 200, {
          ...headers,
          "content-length": last - first + 1,
          ...(range && { "content-range": `bytes ${first}-${last}/${bytes.length}` }),
        });
        send(response, bytes.subarray(first, last + 1), first);
      },
    };
  }

  /** What it shows, which has ten digits. */
  const expected = (time: number) => Math.floor(time * 25) % 1024;

  function numberOf(answer: Answer): number {
    assert.equal(answer.status, 200, answer.text.slice(0, 200));
    return numberIn(readPng(answer.body).at);
  }

  /** Bytes that the origin was asked for, by range. */
  const asked = (name: string) =>
    origin.requests
      .filter(({ url }) => url === `/${name}`)
      .map(({ headers }) => /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? ""))
      .reduce((sum, range) => sum + (range ? Number(range[2]) - Number(range[1]) + 1 : 0), 0);

  it("are read in ranges, at any position", async () => {
    const name = put(large);
    const server = await start();
    assert.equal(numberOf(await ask(server, name, 50)), expected(50));
    assert(asked(name) < large.length / 3, `${asked(name)} of ${large.length} bytes`);
  });

  it("are fetched once for all readers", async () => {
    const name = put(large);
    const server = await start();
    const times = [10, 10.04, 10.08, 10.12];
    const answers = await Promise.all(times.map((time) => ask(server, name, time)));
    assert.deepEqual(answers.map(numberOf), [250, 251, 252, 253]);
    assert(asked(name) < large.length / 3, `${asked(name)} of ${large.length} bytes`);
    assert.equal(numberOf(await ask(server, name, 10.16)), 254);
    // The index lies at the end.
    const end = `-${large.length - 1}`;
    const ofIndex = origin.requests.filter(
      ({ url, headers }) => url === `/${name}` && headers.range?.endsWith(end),
    );
    assert.equal(ofIndex.length, 1);
    assert(temp().acquired > 0);
  });

  it("are read again when they change", async () => {
    const name = put({ bytes: large, headers: { etag: '"a"' } });
    const server = await start();
    assert.equal(numberOf(await ask(server, name, 1)), 25);
    origin.files.set(name, { bytes: small, headers: { etag: '"b"' } });
    // The first answer may be kept for a while; another request sees the new file.
    assert.equal(numberOf(await ask(server, name, 2)), 50);
  });

  for (const [why, answer] of [
    [
      "gives no parts",
      (bytes: Buffer) => ({
        answer: (_: unknown, response: ServerResponse) => {
          response.writeHead(200, { etag: '"x"', "content-length": bytes.length }).end(bytes);
        },
      }),
    ],
    [
      "tells no length",
      (bytes: Buffer) => ({
        answer: (_: unknown, response: ServerResponse) => {
          response.writeHead(200, { etag: '"x"' });
          response.write(bytes.subarray(0, 1_000));
          response.end(bytes.subarray(1_000));
        },
      }),
    ],
    ["tells no versions apart", (bytes: Buffer) => answering(bytes, {})],
  ] as const) {
    it(`are copied where an origin ${why}`, async () => {
      const name = put(answer(large) as OriginFile);
      const server = await start();
      assert.equal(numberOf(await ask(server, name, 50)), expected(50));
      assert.equal(numberOf(await ask(server, name, 20)), 500);
    });
  }

  it("are not copied beyond the limits, and no orphaned copy is left", async () => {
    const name = put(answering(large, {}));
    for (const limits of [{ videoBytes: 1_000_000 }, { tempBytes: 1_000_000 }]) {
      const server = await start(limits);
      assert.equal((await ask(server, name, 50)).status, 400);
    }
    const server = await start();
    assert.equal(numberOf(await ask(server, name, 50)), expected(50));
    assert.equal(temp().acquired, 0);
  });

  it("are read within a budget for blocks", async () => {
    const name = put(large);
    const server = await start({ tempBytes: 4 * BLOCK_BYTES });
    for (const time of [5, 15, 25, 35, 45, 55]) {
      assert.equal(numberOf(await ask(server, name, time)), expected(time));
      assert(temp().acquired <= 4 * BLOCK_BYTES);
    }
  });

  it("fail as their origin does", async () => {
    const server = await start();
    const name = put(
      answering(large, { etag: '"broken"' }, (response, part, first) => {
        if (first < BLOCK_BYTES) response.end(part);
        else response.write(part.subarray(0, 100), () => response.destroy());
      }),
    );
    const { status } = await ask(server, name, 50);
    assert.equal(status, 404);
  });

  it("are no longer read when nobody waits", async () => {
    let waiting: Socket | null = null;
    const name = put(
      answering(large, { etag: '"slow"' }, (response, part, first) => {
        if (first < BLOCK_BYTES) response.end(part);
        else waiting = response.socket;
      }),
    );
    // The origin's own time is not what ends it.
    const server = await start({ originFirstByte: 60_000 });
    const controller = new AbortController();
    const answer = ask(server, name, 50, { signal: controller.signal }).catch(() => undefined);
    await until(() => waiting !== null, "the origin is asked");
    assert(ownProgramsWith("127.0.0.1").length > 0);
    controller.abort();
    await answer;
    await until(() => ownProgramsWith("127.0.0.1").length === 0, "its program ends");
    await until(() => waiting?.destroyed === true, "its connection is closed");
  });

  it("have an unguessable address, on this machine only", async () => {
    const name = put(
      answering(large, { etag: '"held"' }, (response, part, first) => {
        if (first < BLOCK_BYTES) response.end(part);
      }),
    );
    const server = await start();
    const controller = new AbortController();
    const answer = ask(server, name, 50, { signal: controller.signal }).catch(() => undefined);
    const find = () =>
      ownProgramsWith("127.0.0.1")
        .map(argumentsOf)
        .find((args) => args.length > 0);
    await until(() => find() !== undefined, "it runs");
    const args = find() ?? [];
    const url = new URL(args.find((arg) => arg.startsWith("http:")) ?? "");
    assert.match(url.pathname, /^\/[\w-]{32}$/);
    assert.equal(args[args.indexOf("-protocol_whitelist") + 1], "http,tcp");
    const get = (path: string) =>
      new Promise<number>((resolve, reject) => {
        request(
          { host: "127.0.0.1", port: url.port, path, headers: { range: "bytes=0-9" }, agent: false },
          (got) => {
            got.resume();
            resolve(got.statusCode ?? 0);
          },
        )
          .on("error", reject)
          .end();
      });
    assert.equal(await get(url.pathname), 206);
    assert.equal(await get("/"), 404);
    assert.equal(await get(`${url.pathname}x`), 404);
    controller.abort();
    await answer;
    await until(() => ownProgramsWith("127.0.0.1").length === 0, "its program ends");
    assert.equal(await get(url.pathname), 404);
  });
});
