import assert from "node:assert/strict";
import { join } from "node:path";
import {
  describeWith,
  freePort,
  makeCertificate,
  makeFolder,
  REDIS,
  startOrigin,
  startRedis,
  startRedisCluster,
  startSentinels,
  type TestFolder,
  until,
  type WebOrigin,
} from "@mediatap/test";
import type { ShareRedisOptions } from "../src/index.ts";
import { makeMachines, plain } from "./machines.ts";

const PATH = "/tr:w-20,f-png/a.png";

describeWith(REDIS, "share-redis: ways to Redis", () => {
  const machines = makeMachines();
  const closing: (() => Promise<unknown>)[] = [];
  let folder: TestFolder;
  let origin: WebOrigin;
  let red = 0;
  before(async () => {
    folder = await makeFolder();
    origin = await startOrigin();
  });
  after(async () => {
    await origin.close();
    await folder.close();
  });
  afterEach(async () => {
    await machines.close();
    for (const close of closing.splice(0).reverse()) await close();
  });

  async function startOne(...settings: string[]) {
    const redis = await startRedis({ settings });
    closing.push(redis.close);
    return redis;
  }

  /** Two machines do work once, and hear of each other's purges. */
  async function assertShared(redis: ShareRedisOptions["redis"]) {
    const cache = await startOne();
    const start = () => machines.start(origin, { share: { redis, timeout: 500 }, cache: cache.url });
    const both = await Promise.all([start(), start()]);
    await assertTogether(both);
    return both;
  }

  async function assertTogether(both: Awaited<ReturnType<typeof machines.start>>[]) {
    red = (red + 50) % 250;
    const { promise, resolve } = Promise.withResolvers<void>();
    const bytes = plain(red);
    origin.files.set("a.png", { answer: (_, response) => void promise.then(() => response.end(bytes)) });
    const [one] = both;
    await one?.purge("a.png");
    await until(async () => {
      const renders = () => both.reduce((sum, machine) => sum + machine.renders(), 0);
      const before = renders();
      const asked = both.map((machine) => machine.red(PATH));
      resolve();
      const reds = await Promise.all(asked);
      const isOnce = renders() === before + 1 && reds.every((value) => value === red);
      if (!isOnce) await one?.purge("a.png");
      return isOnce;
    }, "work is done once, and the purge was heard");
  }

  it("leads through a socket of the file system", async () => {
    const path = join(folder.path, "redis.sock");
    await startOne("--unixsocket", path);
    await assertShared({ socket: { path } });
  });

  it("leads to a numbered database, with a password; a wrong one harms nothing", async () => {
    const { port } = await startOne("--requirepass", "s3cret");
    await assertShared(`redis://:s3cret@127.0.0.1:${port}/3`);
    const alone = await machines.start(origin, { share: { redis: `redis://:wrong@127.0.0.1:${port}` } });
    assert.equal(await alone.red(PATH), red);
  });

  it("leads through TLS", async () => {
    const { cert, key } = makeCertificate({ names: ["127.0.0.1"] });
    await folder.write("cert.pem", cert);
    await folder.write("key.pem", key);
    const port = await freePort();
    const [certFile, keyFile] = [join(folder.path, "cert.pem"), join(folder.path, "key.pem")];
    await startOne(
      ...["--tls-port", String(port), "--tls-auth-clients", "no"],
      ...["--tls-cert-file", certFile, "--tls-key-file", keyFile],
    );
    await assertShared({ url: `rediss://127.0.0.1:${port}`, socket: { tls: true, ca: cert } });
  });

  it("leads to a cluster, also after all of it was away", async () => {
    const { nodes, close } = await startRedisCluster();
    closing.push(close);
    const both = await assertShared({ rootNodes: nodes.map(({ url }) => ({ url })) });
    for (const node of nodes) node.signal("SIGSTOP");
    assert.equal(await both[0]?.red("/tr:w-21,f-png/a.png"), red);
    for (const node of nodes) node.signal("SIGCONT");
    await assertTogether(both);
  });

  it("leads through sentinels to the master, and to the one that takes its place", async () => {
    const { redis, master, failOver, close } = await startSentinels();
    closing.push(close);
    const both = await assertShared(redis);
    master.signal("SIGSTOP");
    assert.equal(await both[0]?.red("/tr:w-21,f-png/a.png"), red);
    await failOver();
    await assertTogether(both);
  });
});
