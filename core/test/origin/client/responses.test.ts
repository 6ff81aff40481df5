import assert from "node:assert/strict";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { setTimeout as delay } from "node:timers/promises";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { until } from "@mediatap/test";
import { createClock } from "../../../src/origin/client/clock.ts";
import { fetcherWith, serve, serveRaw } from "./servers.ts";

const text = "Mediatap ".repeat(1000);
const broken = { code: "UNIDENTIFIED" };

describe("a response", () => {
  it("is requested under our name, uncoded, and returned with status and headers", async () => {
    await using origin = await serve((_, response) =>
      response.writeHead(418, { "X-Twice": ["a", "b"], etag: '"e"' }).end("teapot"),
    );
    await using fetcher = fetcherWith({ requestFrom: "imagekit", serverMark: "m1" });
    const answer = await fetcher.fetch(`${origin.url}/a%20b?c=d#e`, {
      trusted: origin.url,
      headers: { "Accept-Encoding": "br", "X-Own": "1" },
    });
    assert.equal(answer.status, 418);
    assert.equal(answer.headers["x-twice"], "a, b");
    assert.equal(answer.headers.etag, '"e"');
    assert.equal((await buffer(answer.body)).toString(), "teapot");
    const [request] = origin.requests;
    assert.equal(request?.url, "/a%20b?c=d");
    assert.equal(request?.headers["x-req-from"], "imagekit");
    assert.equal(request?.headers["cdn-loop"], "mediatap; id=m1");
    assert.equal(request?.headers["accept-encoding"], "identity");
    assert.equal(request?.headers["x-own"], "1");
  });

  it("leaves the connection open for the next one, read or cancelled while short", async () => {
    await using origin = await serve((_, response) => response.end("short"));
    await using fetcher = fetcherWith();
    for (let i = 0; i < 20; i++) {
      const answer = await fetcher.fetch(origin.url, { trusted: origin.url });
      if (i % 2) await buffer(answer.body);
      else {
        answer.cancel();
        await once(answer.body, "close");
      }
    }
    // A request right after a body finds its connection still busy, so there may be two.
    assert(origin.connections() <= 2);
  });

  it("frees the connection when it is cancelled", async () => {
    await using origin = await serve((_, response) => {
      const timer = setInterval(() => response.write(Buffer.alloc(10_000)), 1);
      response.on("close", () => clearInterval(timer));
    });
    await using fetcher = fetcherWith();
    const answer = await fetcher.fetch(origin.url, { trusted: origin.url });
    const [socket] = origin.sockets;
    assert(socket);
    answer.cancel();
    answer.cancel();
    await once(socket, "close");
    assert(answer.body.destroyed);
  });

  it("ends with the caller's signal, before and after its headers", async () => {
    await using origin = await serve(({ url }, response) => {
      if (url === "/body") response.write("first");
    });
    await using fetcher = fetcherWith();
    for (const path of ["/headers", "/body"]) {
      const controller = new AbortController();
      const reason = new Error("nobody waits");
      const read = async () => {
        const answer = await fetcher.fetch(origin.url + path, {
          trusted: origin.url,
          signal: controller.signal,
        });
        await buffer(answer.body);
      };
      const done = assert.rejects(read(), reason);
      await until(() => origin.requests.at(-1)?.url === path, "it is asked");
      controller.abort(reason);
      await done;
    }
    await assert.rejects(
      fetcher.fetch(origin.url, { signal: AbortSignal.abort(new Error("before")) }),
      /before/,
    );
    await until(() => origin.sockets.size === 0, "the connections are closed");
  });

  for (const [coding, encode] of [
    ["gzip", gzipSync],
    ["x-gzip", gzipSync],
    ["br", brotliCompressSync],
    ["GZIP", gzipSync],
    ["identity", (bytes: string) => Buffer.from(bytes)],
  ] as const) {
    it(`is read without the coding ${coding} that we did not accept`, async () => {
      await using origin = await serve((_, response) => {
        const bytes = encode(text);
        response.writeHead(200, { "content-encoding": coding, "content-length": bytes.length }).end(bytes);
      });
      await using fetcher = fetcherWith();
      const { headers, body } = await fetcher.fetch(origin.url, { trusted: origin.url });
      assert.equal((await buffer(body)).toString(), text);
      if (coding === "identity") return assert.equal(headers["content-length"], `${text.length}`);
      assert.equal(headers["content-encoding"], undefined);
      assert.equal(headers["content-length"], undefined);
    });
  }

  it("is refused with other codings, with chains, and with a coded range", async () => {
    await using origin = await serve(({ url }, response) => {
      const coding = decodeURIComponent(url?.slice(1) ?? "");
      response.writeHead(coding === "range" ? 206 : 200, {
        "content-encoding": coding === "range" ? "gzip" : coding,
      });
      response.end(gzipSync(gzipSync(text)));
    });
    await using fetcher = fetcherWith();
    for (const coding of ["deflate", "zstd", "gzip, gzip", "gzip,br", "unknown", "range"]) {
      const url = `${origin.url}/${encodeURIComponent(coding)}`;
      await assert.rejects(fetcher.fetch(url, { trusted: origin.url }), broken, coding);
    }
  });

  it("is decoded no further than it is read, so a bomb costs what the reader takes", async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
    await using origin = await serve((_, response) => {
      response.writeHead(200, { "content-encoding": "gzip" }).end(bomb);
    });
    await using fetcher = fetcherWith();
    const answer = await fetcher.fetch(origin.url, { trusted: origin.url });
    const [socket] = origin.sockets;
    assert(socket);
    await once(answer.body, "readable");
    // Decoding goes on as long as its buffers take more.
    for (let before = -1; before !== answer.body.readableLength; await delay(50)) {
      before = answer.body.readableLength;
    }
    assert(answer.body.readableLength < 1024 * 1024, `${answer.body.readableLength} bytes wait`);
    answer.cancel();
    await once(socket, "close");
  });

  for (const [what, bytes] of [
    ["shorter than its Content-Length", "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"],
    ["that ends inside a chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\nshort"],
    ["with a bad chunk", "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nshort\r\n0\r\n\r\n"],
    ["cut off inside gzip", null],
  ] as const) {
    it(`with a body ${what} fails while it is read`, async () => {
      await using origin = await serveRaw((socket) => {
        const gzip = gzipSync(text).subarray(0, 30);
        socket.end(
          bytes ?? Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n\r\n"), gzip]),
        );
      });
      await using fetcher = fetcherWith();
      const read = async () => buffer((await fetcher.fetch(origin.url, { trusted: origin.url })).body);
      await assert.rejects(read(), { code: "UNIDENTIFIED", name: "MediaError" });
    });
  }

  for (const [what, bytes] of [
    ["is not HTTP", "SSH-2.0-OpenSSH_9.6\r\n"],
    ["has two lengths", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!"],
    ["has a bad header", "HTTP/1.1 200 OK\r\nx y: \0\r\n\r\n"],
    ["has headers above the limit", `HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}\r\n\r\n`],
    ["has too many headers", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(101)}content-length: 0\r\n\r\n`],
  ] as const) {
    it(`that ${what} is invalid, and not requested again`, async () => {
      await using origin = await serveRaw((socket) => socket.end(bytes));
      await using fetcher = fetcherWith();
      await assert.rejects(fetcher.fetch(origin.url, { trusted: origin.url }), broken);
      assert.equal(origin.connections(), 1);
    });
  }
});

describe("an origin", () => {
  const silent = { code: "ECONNREFUSED", message: "The origin did not respond in time" };

  it("that sends no headers is given up", async () => {
    await using origin = await serve(() => undefined);
    let lookups = 0;
    await using fetcher = fetcherWith({
      limits: { originFirstByte: 100 },
      resolve: async () => {
        lookups++;
        return [{ address: "127.0.0.1", family: 4 }];
      },
    });
    const url = `http://origin.example:${origin.port}/`;
    await assert.rejects(fetcher.fetch(url, { trusted: url }), silent);
    assert.equal(lookups, 2, "asked twice");
  });

  it("that drips its headers ends with the total time", async () => {
    await using origin = await serveRaw((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const timer = setInterval(() => socket.write("x: y\r\n"), 20);
      socket.on("close", () => clearInterval(timer));
    });
    await using fetcher = fetcherWith({ limits: { originFirstByte: 60_000 } });
    await assert.rejects(fetcher.fetch(origin.url, { trusted: origin.url, total: 200 }), silent);
  });

  it("that stalls in the body is given up", async () => {
    await using origin = await serve((_, response) => void response.write("first"));
    await using fetcher = fetcherWith({ limits: { originIdle: 100 } });
    const { body } = await fetcher.fetch(origin.url, { trusted: origin.url });
    await assert.rejects(buffer(body), {
      code: "UNIDENTIFIED",
      message: "The origin's response took too long",
    });
  });

  it("that drips its body ends with the total time", async () => {
    await using origin = await serve((_, response) => {
      const timer = setInterval(() => response.write("."), 10);
      response.on("close", () => clearInterval(timer));
    });
    let expire = () => {};
    await using fetcher = fetcherWith({
      limits: { originIdle: 60_000 },
      clock: (total, expired) => {
        expire = expired;
        return createClock(total, expired);
      },
    });
    const { body } = await fetcher.fetch(origin.url, { trusted: origin.url });
    await once(body, "readable");
    expire();
    await assert.rejects(buffer(body), {
      code: "UNIDENTIFIED",
      message: "The origin's response took too long",
    });
  });

  it("is not blamed for a slow reader", async () => {
    const bytes = Buffer.alloc(3_000_000, "x");
    await using origin = await serve((_, response) => response.end(bytes));
    let runs = false;
    await using fetcher = fetcherWith({
      clock: (total, expired) => {
        const clock = createClock(total, expired);
        const note = (does: "run" | "pause") => () => {
          runs = does === "run";
          clock[does]();
        };
        return { left: clock.left, run: note("run"), pause: note("pause") };
      },
    });
    const { body } = await fetcher.fetch(origin.url, { trusted: origin.url });
    await once(body, "readable");
    await until(() => body.readableLength >= body.readableHighWaterMark, "nothing more is read");
    assert.equal(runs, false);
    assert.equal((await buffer(body)).length, bytes.length);
  });

  it("that refuses is tried twice; the error does not name its address", async () => {
    let port = 0;
    {
      await using origin = await serve(() => undefined);
      port = origin.port;
    }
    let lookups = 0;
    await using fetcher = fetcherWith({
      resolve: async () => {
        lookups++;
        return [{ address: "127.0.0.1", family: 4 }];
      },
    });
    const url = `http://origin.example:${port}/secret`;
    await assert.rejects(fetcher.fetch(url, { trusted: url }), (error: Error & { code?: string }) => {
      assert.equal(error.code, "ECONNREFUSED");
      assert.doesNotMatch(error.message, /127|origin\.example|secret|\d{4}/);
      return true;
    });
    assert.equal(lookups, 2);
  });

  it("that has no name is not reached", async () => {
    await using fetcher = fetcherWith({
      resolve: async () => {
        throw Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
      },
    });
    await assert.rejects(fetcher.fetch("http://gone.example.com/"), {
      code: "ECONNREFUSED",
      message: "The origin could not be reached",
    });
  });

  it("that does not speak TLS is not tried again", async () => {
    await using origin = await serveRaw((socket) => socket.end("plain text"));
    await using fetcher = fetcherWith();
    const url = origin.url.replace("http:", "https:");
    await assert.rejects(fetcher.fetch(url, { trusted: url }), { code: "ECONNREFUSED" });
    assert.equal(origin.connections(), 1);
  });

  it("that closes an idle connection is tried again on a new one", async () => {
    await using origin = await serveRaw((socket, count) => {
      if (count === 1) return socket.destroy();
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    });
    await using fetcher = fetcherWith();
    for (let i = 0; i < 2; i++) {
      const { body } = await fetcher.fetch(origin.url, { trusted: origin.url });
      assert.equal((await buffer(body)).toString(), "ok");
    }
    assert.equal(origin.connections(), 2);
  });

  it("gets a POST once only", async () => {
    await using origin = await serveRaw((socket) => socket.destroy());
    await using fetcher = fetcherWith();
    await assert.rejects(fetcher.fetch(origin.url, { trusted: origin.url, method: "POST", body: "x" }), {
      code: "ECONNREFUSED",
    });
    assert.equal(origin.connections(), 1);
  });
});
