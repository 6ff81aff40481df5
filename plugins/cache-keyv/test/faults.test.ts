import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import {
  bytesOf,
  type CacheHost,
  describeWith,
  freePort,
  newRecord,
  passTime,
  REDIS,
  type Redis,
  resetTime,
  startRedis,
  until,
} from "@mediatap/test";
import { makeHosts, newEntry, recorder } from "./places.ts";

/** Milliseconds for which a store that failed is left alone. */
const REST = 50;
/** Milliseconds for a lookup where it is to take too long. */
const SHORT_MS = 100;

describeWith(REDIS, "cache-keyv: a Redis that fails", () => {
  const hosts = makeHosts();
  let redis: Redis | undefined;
  let lines: ReturnType<typeof recorder>["lines"];
  afterEach(async () => {
    resetTime();
    redis?.signal("SIGCONT");
    await hosts.close();
    await redis?.close();
    redis = undefined;
  });

  async function open(url: string, timeout?: number) {
    const { log, ...rest } = recorder();
    lines = rest.lines;
    return await hosts.open(
      { redis: url, ...(timeout && { timeout }) },
      { log, limits: { failureLifetime: REST } },
    );
  }
  const warnings = (text: string) =>
    lines.filter(({ level, msg }) => level >= 40 && msg.includes(text)).length;

  async function isKept(host: CacheHost) {
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    const { found } = await host.find(record.key);
    return found !== undefined && (await bytesOf(found)).equals(bytes);
  }

  const isKeptAgain = (host: CacheHost) => until(() => isKept(host), "it comes back by itself");

  it("is not sought any more by a server that has ended while it was away", async () => {
    let connections = 0;
    const server = createServer((socket) => {
      connections++;
      socket.destroy();
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    // What would seek it waits for a timer, or for a connection.
    const waiting = () =>
      process
        .getActiveResourcesInfo()
        .filter((name) => /^(Timeout|TCPSocketWrap|TCPConnectWrap)$/.test(name));
    const before = waiting().sort().join();
    const host = await open(`redis://127.0.0.1:${(server.address() as { port: number }).port}`);
    await host.find(newEntry("a.jpg").record.key);
    await until(() => connections > 2, "it is sought");
    await hosts.close();
    await until(() => waiting().sort().join() === before, "nothing is left that would seek it");
    server.close();
  });

  it("is passed over while it is away, and used when it is back", async () => {
    redis = await startRedis();
    const host = await open(redis.url);
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    const { port } = redis;
    for (let round = 0; round < 2; round++) {
      await redis.close();
      // Many requests at once; none hears of it.
      const all = await Promise.all(Array.from({ length: 100 }, () => host.find(record.key)));
      for (const { found } of all) assert.equal(found, undefined);
      for (let i = 0; i < 10; i++) assert.equal(await isKept(host), false);
      redis = await startRedis({ port });
      await isKeptAgain(host);
    }
    assert.equal(warnings("cannot be read"), 1, "the log is not flooded");
  });

  it("is used as soon as it is there, where it was away at the start", async () => {
    const port = await freePort();
    const host = await open(`redis://127.0.0.1:${port}`);
    for (let i = 0; i < 10; i++) assert.equal(await isKept(host), false);
    redis = await startRedis({ port });
    await isKeptAgain(host);
  });

  it("ends with the server, away or there", async () => {
    redis = await startRedis();
    const there = await open(redis.url);
    assert(await isKept(there));
    assert.match(await redis.command("client", "list"), /lib-name=node/);
    await there.close();
    const clients = () => redis?.command("client", "list");
    await until(async () => !/lib-name=node/.test((await clients()) ?? ""), "the connection is closed");
    const away = await open(`redis://127.0.0.1:${await freePort()}`);
    await away.close();
    const hanging = await open(redis.url);
    redis.signal("SIGSTOP");
    await hanging.close();
  });

  it("holds up no request for longer than a lookup may take, where it hangs", async () => {
    redis = await startRedis();
    const host = await open(redis.url, SHORT_MS);
    await isKeptAgain(host);
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    redis.signal("SIGSTOP");
    const all = await Promise.all(Array.from({ length: 100 }, () => host.find(record.key)));
    for (const { found } of all) assert.equal(found, undefined);
    // From now on they do not wait at all, but for one that tries once in a while.
    let gone = 0;
    const tries = Array.from({ length: 200 }, async () => {
      await host.find(record.key);
      gone++;
    });
    // Without a timer, and without anything from outside.
    await new Promise((resolve) => setImmediate(resolve));
    assert(gone >= 199, `${gone} of 200 went on at once`);
    await Promise.all(tries);
    redis.signal("SIGCONT");
    await until(async () => (await host.find(record.key)).found, "it is found again");
  });

  it("is left for a new connection where the old one is dead, and nobody says so", async () => {
    redis = await startRedis();
    // A wire that is cut behind the back of both.
    const { port, url } = redis;
    const sockets: Socket[] = [];
    const isCut = false;
    const wire: Server = createServer((socket) => {
      const onward = connect(port, "127.0.0.1");
      for (const end of [socket, onward]) end.on("error", () => undefined);
      if (isCut) return socket.destroy();
      sockets.push(socket, onward);
      socket.pipe(onward).pipe(socket);
    }).listen(0, "127.0.0.1");
    await once(wire, "listening");
    const wired = url.replace(String(port), String((wire.address() as { port: number }).port));
    const host = await open(wired, SHORT_MS);
    await isKeptAgain(host);
    for (const socket of sockets.splice(0)) socket.unpipe().pause();
    await isKeptAgain(host);
    await hosts.close();
    for (const socket of sockets) socket.destroy();
    wire.close();
  });

  it("harms nothing with an answer that is none", async () => {
    let answer = "!!! garbage\r\n";
    const server = createServer((socket) => {
      socket.on("error", () => undefined).on("data", () => socket.write(answer));
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const host = await open(`redis://127.0.0.1:${(server.address() as { port: number }).port}`, SHORT_MS);
    for (answer of [
      "!!! garbage\r\n",
      "+OK\r\n",
      "$-1\r\n",
      "$99999999\r\nx",
      "*1\r\n:5\r\n",
      "-ERR no\r\n",
      "\r\n\r\n",
    ]) {
      for (let i = 0; i < 5; i++) {
        const { found, stale } = await host.find("key");
        assert.deepEqual([found, stale], [undefined, undefined]);
        await host.store(newRecord("key"), Buffer.from("x"));
      }
      passTime(REST);
    }
    await hosts.close();
    server.close();
  });

  it("is still read where it cannot be written to", async () => {
    redis = await startRedis();
    const host = await open(redis.url);
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    for (const [spoil, mend] of [
      [
        ["replicaof", "127.0.0.1", "1"],
        ["replicaof", "no", "one"],
      ],
      [
        ["config", "set", "maxmemory", "1"],
        ["config", "set", "maxmemory", "0"],
      ],
    ] as const) {
      await redis.command(...spoil);
      for (let i = 0; i < 5; i++) {
        assert.equal(await isKept(host), false);
        assert((await host.find(record.key)).found, spoil.join(" "));
      }
      await redis.command(...mend);
      await isKeptAgain(host);
    }
    assert.equal(warnings("cannot be written to"), 1);
    assert.equal(warnings("does not respond"), 0);
  });

  it("is empty after it was flushed, and takes what is new", async () => {
    redis = await startRedis();
    const host = await open(redis.url);
    const { record, bytes } = newEntry("a.jpg");
    await host.store(record, bytes);
    await redis.command("flushall");
    assert.equal((await host.find(record.key)).found, undefined);
    assert(await isKept(host));
  });

  it("may evict as it likes", async () => {
    redis = await startRedis({ settings: ["--maxmemory", "4mb", "--maxmemory-policy", "allkeys-lru"] });
    const host = await open(redis.url);
    const entries = Array.from({ length: 100 }, (_, at) => newEntry(`${at}.jpg`, 100_000));
    let kept = 0;
    for (const { record, bytes } of entries) {
      await host.store(record, bytes);
      const { found } = await host.find(record.key);
      if (found) assert((await bytesOf(found)).equals(bytes));
      if (found) kept++;
    }
    assert(kept > 50, `${kept} of 100`);
    assert.equal(warnings(""), 0);
  });

  it("gets no more at one time than it can take", async () => {
    redis = await startRedis();
    const host = await open(redis.url);
    redis.signal("SIGSTOP");
    const entries = Array.from({ length: 100 }, () => newEntry("a.jpg", 1_000_000));
    const storing = entries.map(({ record, bytes }) => host.store(record, bytes));
    redis.signal("SIGCONT");
    await Promise.all(storing);
    passTime(REST);
    const found = [];
    for (const { record } of entries) found.push((await host.find(record.key)).found);
    const kept = found.filter((entry) => entry?.body).length;
    assert(kept <= 33, `${kept} of 100 were waiting, 32 MiB at most`);
    await isKeptAgain(host);
  });
});

describe("cache-keyv: other stores that fail", () => {
  const hosts = makeHosts();
  afterEach(() => {
    resetTime();
    return hosts.close();
  });

  it("are passed over where they throw, or never answer", async () => {
    let mode: "fine" | "throws" | "hangs" = "fine";
    const map = new Map<string, unknown>();
    const act = async <T>(work: () => T): Promise<T> => {
      if (mode === "throws") throw new Error("no luck");
      if (mode === "hangs") await new Promise(() => undefined);
      return work();
    };
    const store = {
      opts: {},
      get: (key: string) => act(() => map.get(key)),
      set: (key: string, value: unknown) => act(() => map.set(key, value)),
      delete: (key: string) => act(() => map.delete(key)),
      clear: async () => map.clear(),
    };
    const host = await hosts.open(
      { store: store as never, timeout: 20 },
      { limits: { failureLifetime: REST } },
    );
    const record = newRecord();
    for (const next of ["throws", "hangs"] as const) {
      mode = "fine";
      await until(async () => {
        passTime(REST);
        await host.store(record, Buffer.from("x"));
        return (await host.find(record.key)).found;
      }, "it is found");
      mode = next;
      for (let i = 0; i < 20; i++) assert.equal((await host.find(record.key)).found, undefined, next);
    }
  });
});
