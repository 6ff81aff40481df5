import assert from "node:assert/strict";
import { join } from "node:path";
import {
  bytesOf,
  describeWith,
  freePort,
  makeCertificate,
  makeFolder,
  REDIS,
  startRedis,
  startSentinels,
  type TestFolder,
  until,
} from "@mediatap/test";
import type { CacheKeyvOptions } from "../src/index.ts";
import { makeHosts, newEntry } from "./places.ts";

describeWith(REDIS, "cache-keyv: ways to Redis", () => {
  const hosts = makeHosts();
  const closing: (() => Promise<unknown>)[] = [];
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder();
  });
  after(() => folder.close());
  afterEach(async () => {
    await hosts.close();
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function start(...settings: string[]) {
    const redis = await startRedis({ settings });
    closing.push(redis.close);
    return redis;
  }

  async function isKept(redis: CacheKeyvOptions["redis"]) {
    const host = await hosts.open({ redis });
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    // Another connection, so that nothing is remembered.
    const { found } = await (await hosts.open({ redis })).find(record.key);
    return found !== undefined && (await bytesOf(found)).equals(bytes);
  }

  /** A connection may take longer than a cache waits for it, on a machine that is busy. */
  const isKeptAtLast = (redis: CacheKeyvOptions["redis"]) => until(() => isKept(redis), "an entry is kept");

  it("leads through a socket of the file system", async () => {
    const path = join(folder.path, "redis.sock");
    await start("--unixsocket", path);
    await isKeptAtLast({ socket: { path } });
  });

  it("leads to a numbered database, with a password", async () => {
    const { port } = await start("--requirepass", "s3cret");
    await isKeptAtLast(`redis://:s3cret@127.0.0.1:${port}/3`);
    await isKeptAtLast({ url: `redis://127.0.0.1:${port}`, password: "s3cret" });
    assert.equal(await isKept(`redis://:wrong@127.0.0.1:${port}/3`), false);
    assert.equal(await isKept(`redis://127.0.0.1:${port}`), false);
  });

  it("leads through TLS, and trusts no certificate that it does not know", async () => {
    const { cert, key } = makeCertificate({ names: ["127.0.0.1"] });
    await folder.write("cert.pem", cert);
    await folder.write("key.pem", key);
    const port = await freePort();
    const files = [
      "--tls-cert-file",
      join(folder.path, "cert.pem"),
      "--tls-key-file",
      join(folder.path, "key.pem"),
    ];
    await start("--tls-port", String(port), "--tls-auth-clients", "no", ...files);
    await isKeptAtLast({ url: `rediss://127.0.0.1:${port}`, socket: { tls: true, ca: cert } });
    assert.equal(await isKept(`rediss://127.0.0.1:${port}`), false);
  });

  it("leads through sentinels to the master", async () => {
    const { master, redis, close } = await startSentinels();
    closing.push(close);
    await isKeptAtLast(redis);
    assert.match(await master.command("dbsize"), /[1-9]/);
  });
});
