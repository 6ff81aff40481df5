import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import type { MediatapConfig } from "@mediatap/core";
import {
  type Answer,
  describeWith,
  makeFolder,
  REDIS,
  type Redis,
  startOrigin,
  startRedis,
  startServer,
  type TestFolder,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { presetMediatap } from "mediatap";
import { photo } from "../support/photos.ts";

/** A lookup that a busy machine is slow with is no miss to these tests. */
const TIMEOUT_MS = 30_000;
const PATH = "/tr:w-300,f-png/photo.jpg";

describeWith(REDIS, "memory, disk and Redis behind one another", () => {
  let origin: WebOrigin;
  let folder: TestFolder;
  let redis: Redis;
  let made: Answer;
  const servers: TestServer[] = [];
  beforeEach(async () => {
    origin = await startOrigin({ "photo.jpg": await photo(900, 700), "small.css": Buffer.from("a{}") });
    folder = await makeFolder();
    redis = await startRedis();
    made = await (await start("one")).ask(PATH);
    assert.match(status(made), /fwd=miss.*stored/);
    // in the background.
    for (const detail of ["cache-disk", "cache-keyv"]) await untilFound(detail);
  });
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
    await redis.close();
    await folder.close();
    await origin.close();
  });

  /** A server with a folder for its cache, as people configure it. */
  async function start(cache: string, more: MediatapConfig = {}, timeout = TIMEOUT_MS) {
    const server = await startServer(
      {
        presets: [presetMediatap()],
        plugins: [
          ["cache-keyv", { redis: redis.url, timeout }],
          ["cache-disk", { path: cache, timeout: TIMEOUT_MS }],
        ],
        origins: { web: { type: "WEB_FOLDER", baseUrl: origin.url } },
        endpoints: { default: { origins: ["web"] } },
        ...more,
      },
      { base: folder.path },
    );
    servers.push(server);
    return server;
  }
  const status = ({ headers }: Answer) => headers["cache-status"] ?? "";
  const asked = () => origin.requests.length;

  /** A server whose nearest caches are empty finds it in this one. */
  async function untilFound(detail: string) {
    const cache = detail === "cache-disk" ? "one" : "empty";
    await until(async () => {
      const server = await start(cache);
      const answer = await server.ask(PATH);
      await server.close();
      servers.splice(servers.indexOf(server), 1);
      await rm(join(folder.path, "empty"), { recursive: true, force: true });
      return status(answer).includes(detail);
    }, `it is found in ${detail}`);
  }

  it("answer after a restart from the disk, on another machine from Redis, without the origin", async () => {
    const before = asked();
    for (const [cache, detail] of [
      ["one", "cache-disk"],
      ["two", "cache-keyv"],
    ] as const) {
      const server = await start(cache);
      const { headers } = await server.ask(PATH, { headers: { "if-none-match": made.headers.etag ?? "" } });
      assert.match(headers["cache-status"] ?? "", new RegExp(`; hit;.* detail=${detail}$`));
      const answer = await server.ask(PATH);
      assert(answer.body.equals(made.body));
      assert.equal(answer.headers.etag, made.headers.etag);
      const isNear = async () => /; hit;.* detail=cache-memory$/.test(status(await server.ask(PATH)));
      await until(isNear, "the nearest is filled");
    }
    assert.equal(asked(), before);
  });

  it("are filled upwards: what came from Redis once comes from the disk after a restart", async () => {
    await (await start("two")).ask(PATH);
    await until(async () => {
      const server = await start("two");
      const detail = status(await server.ask(PATH));
      await server.close();
      return detail.endsWith("cache-disk");
    }, "the disk has it");
  });

  it("go on one without the other", async () => {
    const before = asked();
    await redis.close();
    const without = await start("one", {}, 100);
    assert.match(status(await without.ask(PATH)), /cache-disk/);
    await rm(join(folder.path, "one"), { recursive: true });
    await until(async () => status(await without.ask(PATH)).includes("cache-memory"), "memory has it");
    const alone = await start("one", {}, 100);
    const answer = await alone.ask(PATH);
    assert.match(status(answer), /fwd=miss/);
    assert(answer.body.equals(made.body));
    assert.equal(asked(), before + 1);
  });

  it("send ranges of a body that is too long for memory", async () => {
    const long = await (await start("one")).ask("/tr:w-800,f-png/photo.jpg");
    assert(long.body.length > 300_000, `${long.body.length}`);
    const server = await start("one", {
      plugins: [
        ["cache-disk", { path: "one", timeout: TIMEOUT_MS }],
        ["cache-memory", { maxBytes: 1 }],
      ],
    });
    const whole = await until(async () => {
      const answer = await server.ask("/tr:w-800,f-png/photo.jpg");
      return status(answer).includes("cache-disk") && answer;
    }, "the disk has it");
    assert(whole.body.equals(long.body));
    for (const [start, end] of [
      [0, 0],
      [65_530, 65_540],
      [131_072, 299_999],
      [100, long.body.length - 1],
    ] as const) {
      const part = await server.ask("/tr:w-800,f-png/photo.jpg", {
        headers: { range: `bytes=${start}-${end}` },
      });
      assert.equal(part.status, 206);
      assert(part.body.equals(long.body.subarray(start, end + 1)), `${start}-${end}`);
    }
    const head = await server.ask("/tr:w-800,f-png/photo.jpg", { method: "HEAD" });
    assert.equal(Number(head.headers["content-length"]), long.body.length);
  });
});
