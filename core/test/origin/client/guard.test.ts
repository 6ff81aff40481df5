import assert from "node:assert/strict";
import fc from "fast-check";
import { DEFAULT_LIMITS } from "../../../src/model/limits.ts";
import { createFetcher } from "../../../src/origin/client/create.ts";
import { fetcherWith, type Server, serve } from "./servers.ts";

const refusal = { code: "EACCES", message: "The origin's address is not allowed" };

describe("the guard", () => {
  let canary: Server;
  beforeEach(async () => {
    canary = await serve((_, response) => response.end("canary"), "::");
  });
  afterEach(() => canary[Symbol.asyncDispose]());

  /** Spellings of loopback addresses that URL parsers and resolvers accept. */
  const loopback = fc
    .tuple(fc.constantFrom(0, 255), fc.constantFrom(0, 7), fc.integer({ min: 1, max: 254 }))
    .chain((tail) => {
      const bytes = [127, ...tail];
      const radix = fc.constantFrom(
        (n: number) => `${n}`,
        (n: number) => `0x${n.toString(16)}`,
        (n: number) => `0X${n.toString(16).toUpperCase()}`,
        (n: number) => `0${n.toString(8)}`,
        (n: number) => `000${n.toString(8)}`,
      );
      const number = (from: number) => bytes.slice(from).reduce((sum, byte) => sum * 256 + byte, 0);
      const parts = fc
        .constantFrom(1, 2, 3, 4)
        .map((count) => [...bytes.slice(0, count - 1), number(count - 1)]);
      const numeric = fc
        .tuple(parts, fc.array(radix, { minLength: 4, maxLength: 4 }), fc.constantFrom(".", "。", "．", "｡"))
        .map(([numbers, spell, dot]) => numbers.map((n, i) => spell[i]?.(n)).join(dot));
      const wide = numeric.map((text) =>
        text.replace(/[0-9]/g, (digit) => String.fromCharCode(digit.charCodeAt(0) + 0xfee0)),
      );
      const dotted = numeric.map((text) => `${text}.`);
      const words = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
      const tailWords = `${words.slice(0, 4)}:${words.slice(4)}`;
      const v6 = fc.constantFrom(
        `[::ffff:${tailWords}]`,
        `[::FFFF:${bytes.join(".")}]`,
        `[0:0:0:0:0:ffff:${tailWords}]`,
        `[64:ff9b::${tailWords}]`,
        `[2002:${tailWords}::]`,
        `[::${tailWords}]`,
        "[::1]",
        "[0:0::0:1]",
        "[::]",
      );
      return fc.oneof(numeric, wide, dotted, v6);
    });

  it("refuses every spelling of an address that would reach the canary", async () => {
    await using fetcher = fetcherWith();
    await fc.assert(
      fc.asyncProperty(loopback, async (host) => {
        await assert.rejects(
          fetcher.fetch(`http://${host}:${canary.port}/`, { ports: [canary.port] }),
          refusal,
        );
      }),
      { numRuns: 300 },
    );
    assert.equal(canary.connections(), 0);
  });

  it("lets the same spellings through where the network allows them", async () => {
    await using fetcher = fetcherWith({ network: { allow: ["127.0.0.0/8"] } });
    for (const host of [
      "127.0.0.1",
      "2130706433",
      "0x7f.1",
      "0177.0.0.1",
      "127.1",
      "127。0。0。1",
      "[::ffff:7f00:1]",
    ]) {
      const { body } = await fetcher.fetch(`http://${host}:${canary.port}/`, { ports: [canary.port] });
      assert.equal(Buffer.concat(await body.toArray()).toString(), "canary", host);
    }
  });

  it("refuses other schemes, users, ports and names that are not public", async () => {
    await using fetcher = fetcherWith({ resolve: async () => [{ address: "127.0.0.1", family: 4 }] });
    for (const url of [
      "file:///etc/hostname",
      "ftp://example.com/",
      "gopher://example.com/",
      "data:text/plain,x",
      "not a url",
      "http://",
      "http://allowed@127.0.0.1/",
      "http://user:pass@example.com/",
      "http://example.com:22/",
      `http://example.com:${canary.port}/`,
      "http://localhost/",
      "http://LOCALHOST./",
      "http://ⓛocalhost/",
      "http://intranet/",
      "http://printer.local/",
      "http://metadata.google.internal/",
      "http://metadata.google.internal./",
      "http://app.localhost/",
      "http://a..example.com/",
      "http://example.com../",
    ]) {
      await assert.rejects(fetcher.fetch(url), refusal, url);
    }
    assert.equal(canary.connections(), 0);
  });

  it("refuses a name if any of its addresses is private", async () => {
    for (const answers of [
      ["127.0.0.1"],
      ["1.1.1.1", "127.0.0.1"],
      ["::1"],
      ["1.1.1.1", "::ffff:127.0.0.1"],
    ]) {
      await using fetcher = fetcherWith({
        resolve: async () => answers.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
      });
      await assert.rejects(
        fetcher.fetch(`http://rebind.example.com:${canary.port}/`, { ports: [canary.port] }),
        refusal,
      );
    }
    assert.equal(canary.connections(), 0);
  });

  it("connects to the address it judged, however often the name resolves to another", async () => {
    await using safe = await serve((_, response) => response.end("safe"), "127.0.0.2");
    let lookups = 0;
    await using fetcher = fetcherWith({
      network: { allow: ["127.0.0.2"] },
      resolve: async () => [{ address: lookups++ === 0 ? "127.0.0.2" : "127.0.0.1", family: 4 }],
    });
    const url = `http://rebind.example.com:${safe.port}/`;
    const { body } = await fetcher.fetch(url, { ports: [safe.port] });
    assert.equal(Buffer.concat(await body.toArray()).toString(), "safe");
    assert.equal(lookups, 1);
    assert.equal(safe.requests[0]?.headers.host, `rebind.example.com:${safe.port}`);
    // The next connection asks again, and is refused; so does a request that finds its connection closed.
    for (const socket of safe.sockets) socket.destroy();
    await assert.rejects(fetcher.fetch(url, { ports: [safe.port] }), refusal);
  });

  it("trusts a configured address for exactly its scheme, host and port", async () => {
    await using other = await serve((_, response) => response.end("other"));
    await using fetcher = fetcherWith();
    const trusted = `http://127.0.0.1:${other.port}/base`;
    const { body } = await fetcher.fetch(`${trusted}/x`, { trusted });
    assert.equal(Buffer.concat(await body.toArray()).toString(), "other");
    for (const url of [
      `http://127.0.0.1:${canary.port}/`,
      `https://127.0.0.1:${other.port}/`,
      `http://127.0.0.2:${other.port}/`,
      `http://[::ffff:127.0.0.1]:${other.port}/`,
    ]) {
      await assert.rejects(fetcher.fetch(url, { trusted, ports: [other.port, canary.port] }), refusal, url);
    }
    assert.equal(canary.connections(), 0);
  });

  it("does not lend a connection opened by trust to a request without it", async () => {
    await using fetcher = fetcherWith();
    const url = `http://127.0.0.1:${canary.port}/`;
    const { body } = await fetcher.fetch(url, { trusted: url });
    await body.toArray();
    await assert.rejects(fetcher.fetch(url, { ports: [canary.port] }), refusal);
    assert.equal(canary.requests.length, 1);
  });

  for (const [entry, reached] of [
    ["127.0.0.1", true],
    ["127.0.0.0/8", true],
    ["media.internal", true],
    ["MEDIA.internal.", true],
    ["127.0.0.2", false],
    ["10.0.0.0/8", false],
    ["internal", false],
    ["other.internal", false],
    ["media.internal:1", false],
    ["127.0.0.1:1", false],
  ] as const) {
    it(`${reached ? "reaches" : "does not reach"} a private name with ${entry} allowed`, async () => {
      await using fetcher = fetcherWith({
        network: { allow: [entry] },
        resolve: async () => [{ address: "127.0.0.1", family: 4 }],
      });
      const name = entry.toLowerCase().includes("media") ? "media.internal" : "media.example.com";
      const answer = fetcher.fetch(`http://${name}:${canary.port}/`, { ports: [canary.port] });
      if (reached) assert.equal((await answer).status, 200);
      else await assert.rejects(answer, refusal);
    });
  }

  it("opens a port by an entry that names it", async () => {
    await using fetcher = fetcherWith({ network: { allow: [`127.0.0.1:${canary.port}`] } });
    assert.equal((await fetcher.fetch(canary.url)).status, 200);
    await using closed = fetcherWith({ network: { allow: ["127.0.0.1"] } });
    await assert.rejects(closed.fetch(canary.url), refusal);
  });

  it("does not start with an entry that it cannot read", () => {
    for (const entry of ["", "http://x", "a/b", "10.0.0.0/40", "x:0", "x:99999", "user@x", "[::1"]) {
      assert.throws(() => createFetcher({ limits: DEFAULT_LIMITS, network: { allow: [entry] } }), {
        code: "ECONFIG",
      });
    }
  });

  it("calls `admits` for every untrusted address, too", async () => {
    await using fetcher = fetcherWith({ network: { allow: ["127.0.0.0/8"] } });
    const ports = [canary.port];
    await assert.rejects(fetcher.fetch(canary.url, { ports, admits: () => false }), refusal);
    assert.equal(
      (await fetcher.fetch(canary.url, { ports, admits: ({ pathname }) => pathname === "/" })).status,
      200,
    );
  });

  it("does not use a proxy of the environment", async () => {
    const names = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "NODE_USE_ENV_PROXY"];
    const before = names.map((name) => process.env[name]);
    for (const name of names) process.env[name] = name === "NODE_USE_ENV_PROXY" ? "1" : canary.url;
    try {
      await using origin = await serve((_, response) => response.end("origin"));
      await using fetcher = fetcherWith();
      const { body } = await fetcher.fetch(origin.url, { trusted: origin.url });
      assert.equal(Buffer.concat(await body.toArray()).toString(), "origin");
      assert.equal(canary.connections(), 0);
    } finally {
      for (const [i, name] of names.entries()) {
        if (before[i] === undefined) delete process.env[name];
        else process.env[name] = before[i];
      }
    }
  });
});
