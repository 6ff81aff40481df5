import assert from "node:assert/strict";
import dns from "node:dns/promises";
import { once } from "node:events";
import { syncBuiltinESMExports } from "node:module";
import { type AddressInfo, createServer, type Server } from "node:net";
import type { MediatapConfig } from "@mediatap/core";
import { type Answer, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import fc from "fast-check";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";
import { ODD_HOSTS, privateAddress, spelled } from "../support/spellings.ts";

describe("a web proxy", () => {
  let canary: Server;
  let touched: number;
  let port: number;
  let friend: WebOrigin;
  let server: TestServer;

  before(async () => {
    canary = createServer((socket) => {
      touched++;
      socket.on("error", () => {}).end("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\ncanary");
    });
    canary.listen(0, "::");
    await once(canary, "listening");
    port = (canary.address() as AddressInfo).port;
    friend = await startOrigin({ "photo.jpg": await photo(60, 40) });
    server = await startServer(config());
  });
  beforeEach(() => {
    touched = 0;
  });
  afterEach(() => assert.equal(touched, 0, "the canary was contacted"));
  after(async () => {
    await server.close();
    await friend.close();
    canary.close();
  });

  /** The web proxy may go to the friend's port of this machine, and to no other. */
  function config(): MediatapConfig {
    return {
      plugins: usual(),
      origins: {
        proxy: { type: "WEB_PROXY", ports: [80, 443, port, friend.port] },
        friend: { type: "WEB_FOLDER", baseUrl: friend.url },
      },
      endpoints: { default: { origins: ["proxy"] }, friend: { origins: ["friend"] } },
      network: { allow: [`127.0.0.1:${friend.port}`] },
    };
  }

  /** Refused before anybody was asked: no failed connection, nothing found. */
  function assertRefused({ status, headers, text }: Answer, what: string, codes = ["EACCES", "EINVAL"]) {
    const said = headers["ik-error"] ?? "";
    assert(status === 404 || status === 400, `${what}: ${status}`);
    assert(codes.includes(said.split(" ")[0] ?? ""), `${what}: ${status} ${said}`);
    assert.doesNotMatch(`${said}${text}`, /canary/, what);
  }

  const inOne = (url: string) => `/tr:w-20/${encodeURIComponent(url)}`;
  const inParts = (url: string) => `/tr:w-20/${url.replace(/[^\x21-\x7e]+/gu, encodeURIComponent)}`;

  it("is one: it fetches what it may", async () => {
    for (const path of [inOne, inParts])
      assert.equal((await server.ask(path(`${friend.url}/photo.jpg`))).status, 200);
  });

  it("goes to no private address, however it is spelled", async () => {
    const asked = fc.tuple(
      privateAddress.chain(spelled),
      fc.constantFrom("http", "https", "HTTP"),
      fc.constantFrom("", `:${port}`, ":443"),
      fc.constantFrom(inOne, inParts),
    );
    await fc.assert(
      fc.asyncProperty(asked, async ([host, scheme, at, path]) => {
        const url = `${scheme}://${host}${at}/photo.jpg`;
        assertRefused(await server.ask(path(url)), url);
      }),
      { numRuns: 400 },
    );
  });

  for (const host of ODD_HOSTS) {
    it(`goes nowhere by the host ${JSON.stringify(host).slice(0, 60)}`, async () => {
      for (const path of [inOne, inParts]) {
        const url = `http://${host}:${port}/photo.jpg`;
        assertRefused(await server.ask(path(url)), url, ["EACCES", "EINVAL", "ENOENT"]);
      }
    });
  }

  for (const url of [
    "http://example.com:22/",
    "http://example.com:0/",
    "http://example.com:65536/",
    "http://example.com:-1/",
    "https://example.com:8443/",
    "http:/\\example.com:25/",
    "file:///etc/passwd",
    "ftp://example.com/x.jpg",
    "gopher://example.com/x.jpg",
    "data:image/png;base64,AAAA",
    "javascript:alert(1)",
    "unix:/var/run/docker.sock",
    "http+unix://%2Fvar%2Frun%2Fdocker.sock/",
    "//example.com/x.jpg",
    "http:",
    "http://",
    "https://[",
  ]) {
    it(`goes by no other scheme or port: ${url}`, async () => {
      for (const path of [inOne, inParts])
        assertRefused(await server.ask(path(url)), url, ["EACCES", "EINVAL", "ENOENT"]);
    });
  }

  it("follows no redirect to a private address, however it is spelled, at the first hop or the last", async () => {
    let location = "";
    friend.files.set("away.jpg", {
      answer: (request, response) => {
        const hops = Number(new URL(request.url ?? "/", friend.url).searchParams.get("hops"));
        const next = hops > 0 ? `/away.jpg?hops=${hops - 1}` : location;
        response.writeHead(302, { location: Buffer.from(next).toString("latin1") }).end();
      },
    });
    let number = 0;
    await fc.assert(
      fc.asyncProperty(privateAddress.chain(spelled), fc.constantFrom(0, 2), async (host, hops) => {
        location = `http://${host}:${port}/photo.jpg`;
        const url = `${friend.url}/away.jpg?hops=${hops}&n=${++number}`;
        const codes = ["EACCES", "UNIDENTIFIED"];
        assertRefused(await server.ask(inOne(url)), `${location} after ${hops}`, codes);
      }),
      { numRuns: 100 },
    );
    for (location of ["file:///etc/passwd", `http://me@127.0.0.1:${friend.port}/photo.jpg`, "//localhost/"])
      assertRefused(await server.ask(inOne(`${friend.url}/away.jpg?hops=0&n=${++number}`)), location);
  });

  it("is no way out of a folder: a configured server's redirects are judged, too", async () => {
    friend.files.set("out.jpg", {
      answer: (_, response) => response.writeHead(302, { location: `http://127.0.0.1:${port}/` }).end(),
    });
    assertRefused(await server.ask("/friend/tr:w-20/out.jpg"), "out.jpg");
  });

  describe("with names", () => {
    const { lookup } = dns;
    let answers: readonly string[][];
    let lookups: string[];
    beforeEach(() => {
      lookups = [];
      const fake = async (name: string) => {
        const found = answers[Math.min(lookups.push(name), answers.length) - 1] ?? [];
        return found.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
      };
      dns.lookup = fake as never;
      syncBuiltinESMExports();
    });
    afterEach(() => {
      dns.lookup = lookup;
      syncBuiltinESMExports();
    });

    for (const found of [
      ["127.0.0.1"],
      ["::1"],
      ["10.0.0.7"],
      ["169.254.169.254"],
      ["::ffff:127.0.0.1"],
      ["64:ff9b::7f00:1"],
      ["93.184.215.14", "127.0.0.1"],
      ["2606:4700::1111", "fd00:ec2::254"],
    ]) {
      it(`goes to none that leads to ${found.join(" and ")}`, async () => {
        answers = [found];
        const url = `http://rebind-${found.length}.example.com:${port}/photo-${found.join("-").replaceAll(":", "_")}.jpg`;
        assertRefused(await server.ask(inOne(url)), found.join(), ["EACCES"]);
        assert.equal(lookups.length, 1);
      });
    }

    it("asks for a name once a connection, and goes where that answer said", async () => {
      // The second answer would lead to the canary.
      answers = [["127.0.0.1"], ["::1"]];
      const url = `http://rebind.example.com:${friend.port}/photo.jpg`;
      assert.equal((await server.ask(inOne(url))).status, 200);
      assert.deepEqual(lookups, ["rebind.example.com"]);
      assert.equal(friend.requests.at(-1)?.headers.host, `rebind.example.com:${friend.port}`);
    });
  });
});
