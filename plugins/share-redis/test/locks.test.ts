import assert from "node:assert/strict";
import {
  describeWith,
  REDIS,
  type Redis,
  startOrigin,
  startRedis,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { type Machine, makeMachines, plain, redOf } from "./machines.ts";

describeWith(REDIS, "share-redis: work of several machines", () => {
  const machines = makeMachines();
  let redis: Redis;
  let origin: WebOrigin;
  let all: Machine[];

  beforeEach(async () => {
    redis = await startRedis();
    origin = await startOrigin({ "a.png": plain(200), "b.png": plain(100) });
  });
  afterEach(async () => {
    redis.signal("SIGCONT");
    await machines.close();
    await origin.close();
    await redis.close();
  });

  async function start(count = 3, more: { timeout?: number; expiry?: number; patience?: number } = {}) {
    const share = { redis: redis.url, ...more };
    all = await Promise.all(
      Array.from({ length: count }, () => machines.start(origin, { share, cache: redis.url })),
    );
    // A start does not wait long for Redis.
    const news = async () => redis.command("pubsub", "numsub", "mediatap:news-1");
    await until(async () => (await news()).endsWith(String(count)), "all are connected");
    return all;
  }

  const renders = () => all.reduce((sum, machine) => sum + machine.renders(), 0);
  const askAll = (path: string, each = 5) =>
    Promise.all(all.flatMap((machine) => Array.from({ length: each }, () => machine.ask(path))));
  const locks = async () => (await redis.command("keys", "mediatap:lock-1:*")).split("\n").filter(Boolean);

  const isWaitedFor = async () => /^w /.test(await redis.command("get", (await locks())[0] ?? ""));

  /** The origin answers for a file only when it is told to. */
  function holdBack(path: string, bytes: Buffer): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    const answer = (_: unknown, response: { end(bytes: Buffer): void }) =>
      void promise.then(() => response.end(bytes));
    origin.files.set(path, { answer: answer as never });
    return resolve;
  }

  it("is done once, however many ask all of them at once", async () => {
    await start();
    const answers = await askAll("/tr:w-30,f-png/a.png", 10);
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
    assert.equal(new Set(answers.map(({ body }) => body.toString("base64"))).size, 1);
    assert.equal(await redOf(answers[0]?.body ?? Buffer.of()), 200);
    assert.equal(origin.count("a.png"), 1);
    assert.equal(renders(), 1);
    const said = answers.map(({ headers }) => headers["cache-status"] ?? "");
    assert.equal(said.filter((text) => !/collapsed|hit/.test(text)).length, 1, said.join("\n"));
    // All have it now.
    for (const machine of all) {
      assert.match((await machine.ask("/tr:w-30,f-png/a.png")).headers["cache-status"] ?? "", /; hit/);
    }
  });

  it("is waited for as long as it takes, and each ask for itself", async () => {
    await start(2, { expiry: 3_000 });
    const goOn = holdBack("slow.png", plain(10));
    const slow = askAll("/tr:w-20,f-png/slow.png", 2);
    await until(() => origin.count("slow.png") === 1, "it has begun");
    const [name = ""] = await locks();
    let left = Number.POSITIVE_INFINITY;
    await until(async () => {
      const before = left;
      left = Number(await redis.command("pttl", name));
      return left > before;
    }, "its lock is renewed");
    assert.equal(origin.count("slow.png"), 1);
    for (const { status } of await askAll("/tr:w-20,f-png/b.png", 2)) assert.equal(status, 200);
    goOn();
    for (const { body } of await slow) assert.equal(await redOf(body), 10);
    assert.equal(origin.count("slow.png"), 1);
    assert.equal(renders(), 2);
  });

  it("goes on if Redis is lost while machines wait for another one", async () => {
    await start();
    const goOn = holdBack("slow.png", plain(10));
    const slow = askAll("/tr:w-20,f-png/slow.png", 2);
    await until(isWaitedFor, "it is waited for");
    await redis.close();
    await until(() => origin.count("slow.png") > 1, "another machine fetches it, too");
    goOn();
    for (const { status } of await slow) assert.equal(status, 200);
  });

  it("fails for all at once where the file is missing", async () => {
    await start();
    const { promise, resolve } = Promise.withResolvers<void>();
    origin.files.set("none.png", {
      answer: (_, response) => void promise.then(() => response.writeHead(404).end()),
    });
    const asked = askAll("/tr:w-20/none.png", 3);
    await until(isWaitedFor, "it is waited for");
    resolve();
    for (const { status, headers } of await asked) {
      assert.equal(status, 404);
      assert.match(headers["ik-error"] ?? "", /^ENOENT/);
    }
    assert.equal(origin.count("none.png"), 1);
    assert.equal(renders(), 1);
  });

  it("is passed on to the next one where all who waited on a machine have left", async () => {
    const [one, two] = await start(2);
    const goOn = holdBack("slow.png", plain(10));
    const left = new AbortController();
    const first = one?.ask("/tr:w-20,f-png/slow.png", { signal: left.signal }).catch(() => "left");
    await until(() => origin.count("slow.png") === 1, "it has begun");
    const second = two?.red("/tr:w-20,f-png/slow.png");
    await until(isWaitedFor, "it is waited for");
    left.abort();
    assert.equal(await first, "left");
    await until(() => origin.count("slow.png") === 2, "the other one does it");
    goOn();
    assert.equal(await second, 10);
  });

  it("is taken over from a machine that died", async () => {
    const [one, two] = await start(2, { expiry: 300 });
    const goOn = holdBack("slow.png", plain(10));
    const first = one?.red("/tr:w-20,f-png/slow.png");
    await until(() => origin.count("slow.png") === 1, "it has begun");
    // As if its holder were another one, which never comes back.
    const [name = ""] = await locks();
    await redis.command(
      "set",
      name,
      (await redis.command("get", name)).replace(/ \S+ /, " dead "),
      "px",
      "200",
    );
    const second = two?.red("/tr:w-20,f-png/slow.png");
    await until(() => origin.count("slow.png") === 2, "the other one does it");
    goOn();
    assert.deepEqual([await first, await second], [10, 10]);
  });

  it("is done twice where a machine takes too long", async () => {
    await start(2, { patience: 200 });
    const goOn = holdBack("slow.png", plain(10));
    const answers = all.map((machine) => machine.red("/tr:w-20,f-png/slow.png"));
    await until(() => origin.count("slow.png") === 2, "the other one does it, too");
    goOn();
    assert.deepEqual(await Promise.all(answers), [10, 10]);
  });

  it("is not joined by those who ask after a purge", async () => {
    const [one, two] = await start(2);
    const goOn = holdBack("slow.png", plain(10));
    const first = one?.red("/tr:w-20,f-png/slow.png");
    await until(() => origin.count("slow.png") === 1, "it has begun");
    await two?.purge("slow.png");
    origin.files.set("slow.png", { bytes: plain(250) });
    assert.equal(await two?.red("/tr:w-20,f-png/slow.png"), 250);
    goOn();
    assert.equal(await first, 10);
    for (const machine of all) {
      await until(async () => (await machine.red("/tr:w-20,f-png/slow.png")) === 250, "the old one is gone");
    }
  });

  it("is done by each of them where they have no cache in common", async () => {
    const share = { redis: redis.url };
    all = await Promise.all([1, 2, 3].map(() => machines.start(origin, { share })));
    for (const { body, status } of await askAll("/tr:w-30,f-png/a.png")) {
      assert.equal(status, 200);
      assert.equal(await redOf(body), 200);
    }
    assert.equal(renders(), 3);
  });

  it("is done by each of them while Redis hangs or is away, and once again when it is back", async () => {
    await start(3, { timeout: 200 });
    redis.signal("SIGSTOP");
    for (const { status } of await askAll("/tr:w-31,f-png/a.png", 1)) assert.equal(status, 200);
    assert.equal(renders(), 3);
    redis.signal("SIGCONT");
    const { port } = redis;
    await redis.close();
    for (const { status } of await askAll("/tr:w-32,f-png/a.png", 1)) assert.equal(status, 200);
    assert.equal(renders(), 6);
    redis = await startRedis({ port });
    let width = 100;
    await until(async () => {
      const before = renders();
      await askAll(`/tr:w-${width++},f-png/a.png`);
      return renders() === before + 1;
    }, "they share their work again");
  });

  it("takes no harm from what lies under its keys", async () => {
    await start(2);
    const now = Date.now();
    const values = [
      ["set", "garbage"],
      ["set", "h"],
      ["set", `h x ${now}`, "px", "300"],
      ["set", `h x ${now + 10_000_000}`],
      ["set", "h x 99999999999999999999"],
      ["set", `d x ${now} {"kept":true}`],
      ["set", `d x ${now} {"failed":{"code":"NONE"}}`],
      ["set", `d x ${now} ][`],
      ["lpush", "x"],
      ["hset", "x", "y"],
    ];
    let width = 40;
    for (const [command = "", ...words] of values) {
      const path = `/tr:w-${width++},f-png/a.png`;
      // The lock of this request, by doing it once.
      await all[0]?.red(path);
      await all[0]?.purge("a.png");
      await until(async () => (await locks()).length > 0, "it has a lock");
      for (const name of await locks()) {
        await redis.command("del", name);
        await redis.command(command, name, ...words);
      }
      assert.deepEqual(
        await Promise.all(all.map((machine) => machine.red(path))),
        [200, 200],
        words.join(" "),
      );
      for (const name of await locks()) await redis.command("del", name);
    }
  });
});
