import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { MediatapConfig } from "@mediatap/core";
import { type Answer, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { photo, seen } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

describe("an origin that is asked by the client's host name", () => {
  const hosts = ["a.example.com", "b.example.com", "c.example.com:8080"];
  let origin: WebOrigin;
  let server: TestServer;
  let pictures: Map<string, Buffer>;
  beforeEach(async () => {
    pictures = new Map([
      ["a.example.com", await photo(40, 20)],
      ["b.example.com", await photo(60, 30)],
      ["c.example.com", await photo(80, 40)],
    ]);
    origin = await startOrigin();
    origin.files.set("photo.jpg", { answer: byHost });
    origin.files.set("cover.jpg", { answer: byHost });
    server = await startServer(config(origin.url));
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  /** One site a host name; one tag for all, as a careless server would have it. */
  function byHost({ headers, method }: IncomingMessage, response: ServerResponse): void {
    const bytes = pictures.get(headers.host ?? "");
    if (!bytes) return void response.writeHead(404).end();
    if (headers["if-none-match"] === '"same"') return void response.writeHead(304, { etag: '"same"' }).end();
    response.writeHead(200, { "content-length": bytes.length, "content-type": "image/jpeg", etag: '"same"' });
    response.end(method === "HEAD" ? undefined : bytes);
  }

  function config(baseUrl: string, forwardHostHeaderToOrigin = true, more: object = {}): MediatapConfig {
    return {
      plugins: usual(),
      origins: { site: { type: "WEB_FOLDER", baseUrl, forwardHostHeaderToOrigin, ...more } },
      endpoints: { default: { origins: ["site"] } },
    };
  }

  const ask = (host: string, path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    server.ask(path, { headers: { ...headers, host } });
  const widthOf = async (answer: Answer) => (await seen(answer.body)).width;

  it("gives each host its own file, on a miss, at once and from the cache", async () => {
    const all = await Promise.all(hosts.map((host) => ask(host, "/photo.jpg?tr=orig-true")));
    assert.deepEqual(await Promise.all(all.map(widthOf)), [40, 60, 80]);
    const asked = origin.count("photo.jpg");
    assert.equal(asked, 3);
    const again = await Promise.all([...hosts].reverse().map((host) => ask(host, "/photo.jpg?tr=orig-true")));
    assert.deepEqual(await Promise.all(again.map(widthOf)), [80, 60, 40]);
    assert.equal(origin.count("photo.jpg"), asked);
  });

  it("makes each host its own rendition", async () => {
    for (const round of [1, 2]) {
      const heights = [];
      for (const host of hosts)
        heights.push((await seen((await ask(host, "/tr:h-10/photo.jpg")).body)).width);
      assert.deepEqual(heights, [20, 20, 20], `round ${round}`);
    }
    const tags = await Promise.all(
      hosts.map(async (host) => (await ask(host, "/tr:h-10/photo.jpg")).headers.etag),
    );
    assert.equal(new Set(tags).size, 3);
    const other = await ask("b.example.com", "/tr:h-10/photo.jpg", { "if-none-match": tags[0] ?? "" });
    assert.equal(other.status, 200);
    const own = await ask("b.example.com", "/tr:h-10/photo.jpg", { "if-none-match": tags[1] ?? "" });
    assert.equal(own.status, 304);
  });

  it("is asked by that name for HEAD, for ranges and for files that stand in, too", async () => {
    const head = await server.ask("/photo.jpg?tr=orig-true", {
      method: "HEAD",
      headers: { host: "b.example.com" },
    });
    assert.equal(head.headers["content-length"], String(pictures.get("b.example.com")?.length));
    const part = await ask("b.example.com", "/photo.jpg?tr=orig-true", { range: "bytes=0-9" });
    assert.equal(part.status, 206);
    assert(pictures.get("b.example.com")?.subarray(0, 10).equals(part.body));
    const instead = await ask("c.example.com", "/tr:di-cover.jpg/missing.jpg");
    assert.equal(await widthOf(instead), 80);
    assert(
      origin.requests.every(
        ({ headers }) => headers.host === "b.example.com" || headers.host === "c.example.com",
      ),
    );
  });

  it("misses for one host do not hide what another has", async () => {
    assert.equal((await ask("unknown.example.com", "/photo.jpg")).status, 404);
    assert.equal((await ask("a.example.com", "/photo.jpg")).status, 200);
    assert.equal((await ask("unknown.example.com", "/photo.jpg")).status, 404);
  });

  it("is not asked so unless it is configured", async () => {
    await server.close();
    server = await startServer(config(origin.url, false));
    pictures.set(new URL(origin.url).host, await photo(100, 50));
    for (const host of hosts) assert.equal(await widthOf(await ask(host, "/photo.jpg?tr=orig-true")), 100);
    assert.equal(origin.count("photo.jpg"), 1);
  });

  it("is reached at its own address, whatever the name", async () => {
    const other = await startOrigin({ "photo.jpg": await photo(10, 10) });
    try {
      pictures.set("127.0.0.1", await photo(90, 45));
      const answer = await ask(`127.0.0.1:${other.port}`, "/photo.jpg?tr=orig-true");
      assert.equal(await widthOf(answer), 90);
      assert.equal(other.requests.length, 0);
    } finally {
      await other.close();
    }
  });

  it("keeps the name to itself when it redirects elsewhere", async () => {
    const other = await startOrigin({ "photo.jpg": await photo(10, 10) });
    await server.close();
    server = await startServer({ ...config(origin.url), network: { allow: [`127.0.0.1:${other.port}`] } });
    try {
      origin.files.set("away.jpg", {
        answer: (_, response) => response.writeHead(302, { location: `${other.url}/photo.jpg` }).end(),
      });
      origin.files.set("here.jpg", {
        answer: (_, response) => response.writeHead(302, { location: "/photo.jpg" }).end(),
      });
      assert.equal((await ask("a.example.com", "/away.jpg?tr=orig-true")).status, 200);
      assert.equal(other.requests[0]?.headers.host, new URL(other.url).host);
      assert.equal(await widthOf(await ask("a.example.com", "/here.jpg?tr=orig-true")), 40);
    } finally {
      await other.close();
    }
  });

  it("is greeted by its own name in TLS", async () => {
    const names: string[] = [];
    const tls = createTlsServer({
      SNICallback(name, done) {
        names.push(name);
        done(new Error("no certificate"));
      },
    }).on("tlsClientError", () => undefined);
    tls.listen(0, "localhost");
    await once(tls, "listening");
    await server.close();
    server = await startServer(config(`https://localhost:${(tls.address() as AddressInfo).port}`));
    try {
      const answer = await ask("a.example.com", "/photo.jpg");
      assert.match(answer.headers["ik-error"] ?? "", /^ECONNREFUSED /);
      assert(names.length > 0);
      assert(names.every((name) => name === "localhost"));
    } finally {
      tls.close();
    }
  });

  for (const forwards of [false, true]) {
    it(`hears nothing else of the client's headers${forwards ? "" : ", and no host by default"}`, async () => {
      await server.close();
      server = await startServer(
        config(origin.url, forwards, {
          headers: { "X-Api-Key": "key" },
          username: "ada",
          password: "secret",
        }),
      );
      await ask("a.example.com", "/photo.jpg", {
        accept: "image/avif,*/*",
        "accept-language": "de",
        authorization: "Bearer client",
        "cache-control": "no-cache",
        cookie: "session=1",
        forwarded: "for=1.2.3.4",
        origin: "https://evil.example.com",
        referer: "https://evil.example.com/",
        "user-agent": "client",
        "x-api-key": "client's",
        "x-forwarded-for": "1.2.3.4",
        "x-forwarded-host": "evil.example.com",
        "x-original-url": "/admin",
        via: "1.1 client",
      });
      const { headers } = origin.requests[0] ?? {};
      assert.equal(headers?.host, forwards ? "a.example.com" : new URL(origin.url).host);
      assert.equal(headers?.["x-api-key"], "key");
      assert.equal(headers?.authorization, `Basic ${Buffer.from("ada:secret").toString("base64")}`);
      assert.deepEqual(Object.keys(headers ?? {}).sort(), [
        "accept",
        "accept-encoding",
        "authorization",
        "cdn-loop",
        "connection",
        "host",
        "traceparent",
        "user-agent",
        "x-api-key",
        "x-req-from",
      ]);
      assert.doesNotMatch(JSON.stringify(headers), /client|evil|1\.2\.3\.4|session/);
    });
  }

  it("gets one Host header, spelled as the client's but for its port", async () => {
    const raw: string[] = [];
    const plain = createTcpServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", (data) => {
        raw.push(data.toString("latin1"));
        socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
      });
    });
    plain.listen(0, "127.0.0.1");
    await once(plain, "listening");
    await server.close();
    server = await startServer(config(`http://127.0.0.1:${(plain.address() as AddressInfo).port}`));
    try {
      await ask("IMG.Example.com:8443", "/photo.jpg");
      assert.deepEqual(raw[0]?.match(/^host:.*$/gim), ["host: img.example.com"]);
    } finally {
      plain.close();
    }
  });
});
