import assert from "node:assert/strict";
import type { Plugin } from "@mediatap/core";
import {
  describeWith,
  REDIS,
  type Redis,
  startOrigin,
  startRedis,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { pino } from "pino";
import { type Machine, makeMachines, makeWire, plain } from "./machines.ts";

const PATH = "/tr:w-20,f-png/a.png";

describeWith(REDIS, "share-redis: purges on several machines", () => {
  const machines = makeMachines();
  let redis: Redis;
  let origin: WebOrigin;
  let version = 0;
  beforeEach(async () => {
    redis = await startRedis();
    origin = await startOrigin();
    change();
  });
  afterEach(async () => {
    redis.signal("SIGCONT");
    await machines.close();
    await origin.close();
    await redis.close();
  });

  /** Each has a cache of its own, and nothing else: what one purges the others must be told of. */
  const start = (url = redis.url, member = "x") =>
    machines.start(origin, { share: { redis: url, member, timeout: 50 } });

  /** The file is another one now. */
  function change(): number {
    version = (version + 50) % 250;
    origin.files.set("a.png", { bytes: plain(version) });
    return version;
  }
  const isRenewed = (machine: Machine | undefined) =>
    until(async () => (await machine?.red(PATH)) === version, "the old one is forgotten");

  it("reach all of them", async () => {
    const all = await Promise.all([1, 2, 3].map(() => start()));
    for (const machine of all) {
      await Promise.all(all.map((one) => one.red(PATH)));
      change();
      await machine.purge("a.png");
      assert.equal(await machine.red(PATH), version);
      await Promise.all(all.map(isRenewed));
    }
  });

  it("are answered with 201 when all have heard them", async () => {
    const wire = await makeWire(redis.port);
    const [one, two] = [await start(), await start(wire.url)];
    const before = await two.red(PATH);
    change();
    wire.hold();
    let isAnswered = false;
    const purged = one.askToPurge("a.png").finally(() => {
      isAnswered = true;
    });
    await until(async () => (await redis.command("xlen", "mediatap:bus-1")) === "1", "it is announced");
    assert.equal(await two.red(PATH), before, "it cannot know");
    assert.equal(isAnswered, false);
    wire.release();
    assert.equal((await purged).status, 201);
    assert.equal(await two.red(PATH), version);
    await machines.close();
    await wire.close();
  });

  it("are answered with 201 without those that are away, and those that have ended", async () => {
    const wire = await makeWire(redis.port);
    const [one, two, three] = [await start(), await start(wire.url), await start()];
    await two.red(PATH);
    await three.close();
    assert.equal(await redis.command("hlen", "mediatap:members-1"), "2");
    wire.cut();
    assert.equal((await one.askToPurge("a.png")).status, 201);
    await redis.close();
    assert.equal((await one.askToPurge("a.png")).status, 201);
    await machines.close();
    await wire.close();
  });

  it("are heard by one that was cut off, when it is back", async () => {
    const wire = await makeWire(redis.port);
    const [one, two] = [await start(), await start(wire.url)];
    for (let round = 0; round < 2; round++) {
      const before = await two.red(PATH);
      wire.cut();
      change();
      await one.purge("a.png");
      await isRenewed(one);
      assert.equal(await two.red(PATH), before, "it cannot know");
      wire.mend();
      await isRenewed(two);
    }
    await machines.close();
    await wire.close();
  });

  it("are heard over a new connection where the old one is dead, and nobody says so", async () => {
    const wire = await makeWire(redis.port);
    const [one, two] = [await start(), await start(wire.url)];
    await two.red(PATH);
    wire.silence();
    change();
    await one.purge("a.png");
    await isRenewed(two);
    await machines.close();
    await wire.close();
  });

  it("are told by one that was cut off, when it is back", async () => {
    const wire = await makeWire(redis.port);
    const [one, two] = [await start(), await start(wire.url)];
    const before = await one.red(PATH);
    wire.cut();
    change();
    await two.purge("a.png");
    assert.equal(await two.red(PATH), version);
    assert.equal(await one.red(PATH), before, "it cannot know");
    wire.mend();
    await isRenewed(one);
    await machines.close();
    await wire.close();
  });

  it("are told again where Redis lost them", async () => {
    const wire = await makeWire(redis.port);
    const [one, two] = [await start(), await start(wire.url)];
    // Something is on the list already.
    await two.purge("other.png");
    await two.red(PATH);
    await until(async () => (await redis.command("xlen", "mediatap:bus-1")) === "1", "it was said");
    wire.cut();
    change();
    await one.purge("a.png");
    await until(async () => (await redis.command("xlen", "mediatap:bus-1")) === "2", "it was said");
    const { port } = redis;
    await redis.close();
    redis = await startRedis({ port });
    wire.mend();
    await isRenewed(two);
    await machines.close();
    await wire.close();
  });

  it("are told while Redis is away, as soon as it is there", async () => {
    // A wire keeps its port: another program could take that of a Redis which is not started yet.
    const wire = await makeWire(redis.port);
    wire.cut();
    const [one, two] = await Promise.all([1, 2].map(() => start(wire.url)));
    await one?.red(PATH);
    await two?.red(PATH);
    change();
    await one?.purge("a.png");
    wire.mend();
    await isRenewed(two);
    await machines.close();
    await wire.close();
  });

  it("are asked for where the list has forgotten them", async () => {
    const wire = await makeWire(redis.port);
    const [one, two] = [await start(), await start(wire.url)];
    await one.purge("other.png");
    await two.red(PATH);
    await until(async () => (await redis.command("xlen", "mediatap:bus-1")) === "1", "it was said");
    wire.cut();
    change();
    await one.purge("a.png");
    await one.purge("more.png");
    await until(async () => (await redis.command("xlen", "mediatap:bus-1")) === "3", "they were said");
    await redis.command("xtrim", "mediatap:bus-1", "maxlen", "1");
    wire.mend();
    await isRenewed(two);
    await machines.close();
    await wire.close();
  });

  it("are heard at the start by a machine that was down meanwhile, before it answers", async () => {
    const heard: string[][] = [[], []];
    const listen = (at: number) => ({
      name: "listen",
      version: "1",
      apiVersion: 1,
      apply({ hooks }: Parameters<Plugin["apply"]>[0]) {
        hooks.purge.tapPromise("listen", async ({ value }) => void heard[at]?.push(value));
      },
    });
    const lines: string[] = [];
    const log = pino({ level: "warn" }, { write: (line: string) => void lines.push(line) }) as never;
    const start = (at: number, member: string) =>
      machines.start(origin, { share: { redis: redis.url, member }, plugins: [listen(at)], log });
    /** A machine that is so busy that it starts before it hears of Redis reports it. */
    const started = async (expected: string[]) => {
      if (lines.some((line) => line.includes("not there yet")))
        await until(() => heard[1]?.length === expected.length, "it is heard late");
      assert.deepEqual(heard[1], expected);
    };
    const one = await start(0, "one");
    const two = await start(1, "two");
    await one.purge("before.png");
    await until(() => heard[1]?.includes("before.png") === true, "it is heard");
    await two.close();
    await one.purge("meanwhile.png");
    await until(async () => (await redis.command("xlen", "mediatap:bus-1")) === "2", "it was said");
    heard[1] = [];
    await start(1, "two");
    await started(["meanwhile.png"]);
    // One that nobody knows is told of the last hour.
    heard[1] = [];
    await start(1, "three");
    await started(["before.png", "meanwhile.png"]);
  });

  it("come through, whatever lies in the place of the list", async () => {
    const [one, two] = [await start(), await start()];
    for (const spoil of [
      ["set", "mediatap:bus-1", "garbage"],
      ["lpush", "mediatap:bus-1", "x"],
      ["xadd", "mediatap:bus-1", "*", "a", "b"],
      ["xadd", "mediatap:bus-1", "*", "number", "x", "text", "{"],
      ["xadd", "mediatap:bus-1", "*", "number", "7", "text", '{"id":"1","topic":"purge","message":{"id":5}}'],
      ["xadd", "mediatap:bus-1", "9999999999999-0", "number", "9", "text", "x"],
    ]) {
      await two.red(PATH);
      await redis.command("del", "mediatap:bus-1");
      await redis.command(...spoil);
      await redis.command("publish", "mediatap:news-1", "bus");
      await redis.command("publish", "mediatap:news-1", "garbage");
      change();
      await one.purge("a.png");
      await isRenewed(two);
      await isRenewed(one);
    }
  });

  it("are kept apart from those of another namespace", async () => {
    const one = await start();
    const other = await machines.start(origin, { share: { redis: redis.url, namespace: "other" } });
    const before = await other.red(PATH);
    await one.red(PATH);
    change();
    await one.purge("a.png");
    await isRenewed(one);
    assert.equal(await other.red(PATH), before);
  });
});
