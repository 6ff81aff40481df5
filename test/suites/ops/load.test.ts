import assert from "node:assert/strict";
import { readdir, readlink } from "node:fs/promises";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import type { Plugin } from "@mediatap/core";
import {
  type Answer,
  ask,
  makeFolder,
  passTime,
  rawOne,
  resetTime,
  startOrigin,
  startServer,
  stopTime,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";
import { noise, photo, seen } from "../support/photos.ts";
import { counter, folderConfig, type Gate, gate, webConfig } from "../support/plugins.ts";

describe("more work than there is room for", () => {
  let folder: TestFolder;
  let server: TestServer;
  let work: Gate;
  beforeEach(async () => {
    folder = await makeFolder({
      "photo.jpg": await photo(120, 80),
      ...Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`gate/${i}`, "x"])),
    });
    // Two at once, and each counts for a second: the queue has room for four.
    work = gate(1_000);
    server = await startServer({
      ...folderConfig(folder.path, work),
      limits: { transforms: 2, queueWork: 4_000 / (await cores()) },
    });
  });
  afterEach(async () => {
    work.open();
    await server.close();
    await folder.close();
  });
  const cores = async () => (await import("node:os")).availableParallelism();
  const load = () => server.server.runtime.scheduler.load();

  it("is refused with 503 and a time to come back, while all that was taken is done", async () => {
    const refused: Answer[] = [];
    const answers = Array.from({ length: 20 }, async (_, i) => {
      const answer = await server.ask(`/gate/${i}?tr=w-5`);
      if (answer.status === 503) refused.push(answer);
      return answer;
    });
    await until(() => refused.length === 14, "those for whom there is no room are refused");
    assert.deepEqual([work.running.size, load().waiting], [2, 4]);
    work.open();
    const done = await Promise.all(answers);
    assert.equal(done.filter(({ status }) => status === 200).length, 6);
    assert.equal(refused.length, 14);
    for (const { headers, body } of refused) {
      assert.match(headers["ik-error"] ?? "", /^EBUSY/);
      assert.match(headers["retry-after"] ?? "", /^[1-9]\d*$/);
      assert.equal(headers["cache-control"], "no-store");
      assert(body.length < 1024);
    }
    // Nothing of the refusals is remembered.
    for (let i = 0; i < 20; i++) assert.equal((await server.ask(`/gate/${i}?tr=w-5`)).status, 200);
    assert.deepEqual(load(), { places: 2, running: 0, waiting: 0, waitingCost: 0, memory: 0 });
  });

  it("does not stand before hits, 304s, errors, health and originals", async () => {
    const warm = await server.ask("/tr:w-50/photo.jpg");
    const stuck = Array.from({ length: 6 }, (_, i) => server.ask(`/gate/${i}?tr=w-5`));
    await until(() => work.running.size === 2 && load().waiting === 4, "the queue is full");
    const held = { headers: { "if-none-match": warm.headers.etag ?? "" } };
    assert.match((await server.ask("/tr:w-50/photo.jpg")).headers["cache-status"] ?? "", /hit/);
    assert.equal((await server.ask("/tr:w-50/photo.jpg", held)).status, 304);
    assert.equal((await server.ask("/tr:w-50/photo.jpg", { method: "HEAD" })).status, 200);
    assert.equal((await server.ask("/tr:w-abc/photo.jpg")).status, 400);
    assert.equal((await server.ask("/-/live")).status, 200);
    assert.equal((await server.ask("/-/ready")).status, 200);
    assert.equal(work.running.size, 2);
    work.open();
    for (const answer of stuck) assert.equal((await answer).status, 200);
  });

  it("is given up in the queue when its client leaves", async () => {
    const first = [0, 1].map((i) => server.ask(`/gate/${i}?tr=w-5`));
    await work.begun(2);
    const leaving = new AbortController();
    const left = [2, 3].map((i) => server.ask(`/gate/${i}?tr=w-5`, { signal: leaving.signal }));
    for (const answer of left) answer.catch(() => {});
    const staying = server.ask("/gate/4?tr=w-5");
    await until(() => load().waiting === 3, "three wait");
    leaving.abort();
    await until(() => load().waiting === 1, "one waits");
    work.open();
    for (const answer of [...first, staying]) assert.equal((await answer).status, 200);
    await Promise.allSettled(left);
    assert.equal(load().waitingCost, 0);
  });

  it("keeps the place of work whose client has left until it has ended", async () => {
    const leaving = new AbortController();
    const answers = [0, 1].map((i) => server.ask(`/gate/${i}?tr=w-5`, { signal: leaving.signal }));
    await work.begun(2);
    leaving.abort();
    await Promise.allSettled(answers);
    await until(() => work.aborted.length === 2, "the work is told");
    assert.equal(load().running, 2);
    work.open();
    await until(() => load().running === 0, "the places are free");
  });

  it("is done once for clients that queue for the same", async () => {
    const blocking = [0, 1].map((i) => server.ask(`/gate/${i}?tr=w-5`));
    await work.begun(2);
    const same = Array.from({ length: 10 }, () => server.ask("/gate/7?tr=w-5"));
    await until(() => load().waiting === 1, "one request waits");
    work.open();
    for (const answer of [...blocking, ...same]) assert.equal((await answer).status, 200);
    await work.begun(3);
  });
});

describe("a wait in the queue", () => {
  it("ends with 503 after its limit", async () => {
    const folder = await makeFolder({ "gate/0": "x", "gate/1": "x" });
    const work = gate(1);
    const server = await startServer({
      ...folderConfig(folder.path, work),
      limits: { transforms: 1, queueWait: 50 },
    });
    try {
      const first = server.ask("/gate/0?tr=w-5");
      await work.begun(1);
      const second = await server.ask("/gate/1?tr=w-5");
      assert.equal(second.status, 503);
      assert.match(second.headers["ik-error"] ?? "", /^EBUSY/);
      work.open();
      assert.equal((await first).status, 200);
    } finally {
      work.open();
      await server.close();
      await folder.close();
    }
  });
});

describe("draining", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(60, 40), "gate/0": "x", "gate/1": "x" });
  });
  after(() => folder.close());
  afterEach(resetTime);

  it("loses no request that was accepted", async () => {
    const work = gate();
    const server = await startServer(folderConfig(folder.path, work));
    const answers = [0, 1].map((i) => server.ask(`/gate/${i}?tr=w-5`));
    await work.begun(1);
    const closed = server.close();
    work.open();
    for (const answer of answers) {
      const { status, text } = await answer;
      assert.equal(status, 200);
      assert.match(text, /^made of gate/);
    }
    await closed;
    await assert.rejects(server.ask("/photo.jpg"));
  });

  it("closes a connection with the answer that was under way on it", async () => {
    const work = gate();
    const server = await startServer(folderConfig(folder.path, work));
    const socket = connect(server.port, "127.0.0.1");
    let received = "";
    socket.setEncoding("latin1").on("data", (text) => {
      received += text;
    });
    const ended = new Promise((resolve) => socket.on("close", resolve));
    socket.write("GET /gate/0?tr=w-5 HTTP/1.1\r\nHost: x\r\n\r\n");
    await work.begun(1);
    const closed = server.close();
    work.open();
    await closed;
    await ended;
    assert.match(received, /^HTTP\/1\.1 200 /);
    assert.match(received, /\r\nconnection: close\r\n/i);
    assert.match(received, /made of gate\/0/);
  });

  it("takes new connections while requests keep coming, although none is open between two of them", async () => {
    const server = await startServer(folderConfig(folder.path));
    await server.ask("/photo.jpg");
    stopTime();
    const closed = server.server.close({ accept: 60_000, quiet: 1_000 });
    for (let turn = 0; turn < 10; turn++) {
      passTime(900);
      assert.equal((await server.ask("/photo.jpg")).status, 200);
      // It is looked at several times whether all is quiet.
      await pause(50);
    }
    passTime(1_000);
    await closed;
    await assert.rejects(server.ask("/photo.jpg"));
  });

  it("loses no request that came while the process could not run", async () => {
    const server = await startServer(folderConfig(folder.path));
    const socket = connect(server.port, "127.0.0.1");
    const ask = () => socket.write("GET /photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n");
    const answered = () =>
      new Promise<string>((resolve) => socket.once("data", (data) => resolve(`${data}`)));
    ask();
    await answered();
    stopTime();
    const closed = server.server.close({ accept: 60_000, quiet: 200 });
    await pause(50);
    // Behind what is read, and before the timers of the next round.
    await new Promise((resolve) => setImmediate(resolve));
    ask();
    passTime(500);
    // Until it is time to look again whether all is quiet.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50);
    const answer = await Promise.race([answered(), new Promise((resolve) => socket.once("close", resolve))]);
    assert.match(String(answer), /^HTTP\/1\.1 200 /);
    passTime(500);
    await closed;
  });

  it("waits for no connection that is idle", async () => {
    const server = await startServer(folderConfig(folder.path));
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET /photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("data", resolve));
    await server.close();
    socket.destroy();
  });

  it("ends at its limit although work hangs", async () => {
    const work = gate();
    const server = await startServer({ ...folderConfig(folder.path, work), limits: { drain: 50 } });
    const answer = server.ask("/gate/0?tr=w-5");
    answer.catch(() => {});
    await work.begun(1);
    await server.close();
    await assert.rejects(answer);
    work.open();
  });

  it("happens once, however often it is asked for", async () => {
    const server = await startServer(folderConfig(folder.path));
    await Promise.all([server.close(), server.close()]);
    await server.close();
  });
});

describe("after a burst", () => {
  async function descriptors(): Promise<string[]> {
    const names = await readdir("/proc/self/fd").catch(() => []);
    const links = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => "")));
    return links.filter((link) => /^(socket|\/.*mediatap-test)/.test(link));
  }

  for (const where of ["a folder", "a web server"] as const) {
    it(`no file and no socket stays open: ${where}`, async function () {
      if (process.platform !== "linux") return this.skip();
      const files = {
        "photo.jpg": await photo(200, 100),
        "large.png": await noise(800, 600),
        "a.css": Buffer.from("a{}".repeat(500)),
        "bad.jpg": Buffer.from("no picture"),
      };
      const folder = await makeFolder(files);
      const origin = await startOrigin(files);
      const before = (await descriptors()).length;
      const server = await startServer(
        where === "a folder" ? folderConfig(folder.path) : webConfig([origin.url]),
      );
      const asks: Promise<unknown>[] = [];
      for (let i = 0; i < 120; i++) {
        const leaving = new AbortController();
        const path = [
          `/tr:w-${20 + (i % 30)}/photo.jpg`,
          `/large.png?tr=orig-true&v=${i}`,
          "/a.css",
          "/bad.jpg",
          "/missing.jpg",
          `/tr:w-30/large.png?v=${i % 7}`,
        ][i % 6] as string;
        const headers: Record<string, string> = i % 4 === 1 ? { range: "bytes=5-500" } : {};
        const method = i % 9 === 2 ? "HEAD" : "GET";
        asks.push(server.ask(path, { headers, method, signal: leaving.signal }).catch(() => undefined));
        if (i % 5 === 3) setTimeout(() => leaving.abort(), i % 20);
      }
      await Promise.all(asks);
      await server.close();
      await until(async () => (await descriptors()).length <= before, "all descriptors are closed");
      await origin.close();
      await folder.close();
    });
  }
});

describe("slow clients", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(60, 40), "big.bin": Buffer.alloc(30_000_000) });
  });
  afterEach(() => server.close());
  after(() => folder.close());

  it("that stop to read are cut off", async () => {
    let ended = 0;
    const ends: Plugin = {
      name: "ends",
      version: "1",
      apiVersion: 1,
      apply: ({ hooks }) =>
        hooks.report.tap("ends", ({ kind }) => {
          if (kind === "exchange") ended++;
        }),
    };
    server = await startServer({ ...folderConfig(folder.path, ends), limits: { clientWriteIdle: 100 } });
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write("GET /big.bin HTTP/1.1\r\nHost: x\r\n\r\n");
    await new Promise((resolve) => socket.once("readable", resolve));
    // Nothing is read until the server has given up; then what is left in the sockets ends early.
    await until(() => ended === 1, "the server has given up");
    let length = 0;
    socket.on("data", (chunk) => {
      length += chunk.length;
    });
    await new Promise((resolve) => socket.once("close", resolve));
    assert(length < 30_000_000, String(length));
  });

  it("in any number keep no other from being served", async () => {
    server = await startServer(folderConfig(folder.path));
    const half = Array.from({ length: 100 }, () => {
      const socket = connect(server.port, "127.0.0.1");
      socket.on("error", () => {});
      socket.write("GET /photo.jpg HTTP/1.1\r\nHost: x\r\nX-Slow: ");
      return socket;
    });
    const answer = await rawOne(server.port, "GET /tr:w-20/photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n");
    assert.equal(answer.status, 200);
    for (const socket of half) socket.destroy();
  });
});

describe("many different pictures at once", () => {
  it("are all right, each with its own pixels", async () => {
    const folder = await makeFolder({ "photo.jpg": await photo(400, 200) });
    const count = counter();
    const server = await startServer(folderConfig(folder.path, count));
    try {
      const widths = Array.from({ length: 60 }, (_, i) => 10 + i);
      const answers = await Promise.all(
        widths.map((width) => ask(server.port, `/tr:w-${width},f-png/photo.jpg`)),
      );
      for (const [at, { status, body }] of answers.entries()) {
        assert.equal(status, 200);
        assert.equal((await seen(body)).width, widths[at]);
      }
      assert.equal(count.transforms(), 60);
    } finally {
      await server.close();
      await folder.close();
    }
  });
});
