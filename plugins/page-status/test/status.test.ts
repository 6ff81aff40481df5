import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig, Report } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import { makePng, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { type PageStatusOptions, pageStatus } from "../src/index.ts";
import { createTally, SLOT, summarize, type Tally } from "../src/tally.ts";

const picture = makePng(60, 40, () => [200, 30, 30, 255]);

describe("page-status", () => {
  let origin: WebOrigin;
  let server: TestServer;

  beforeEach(async () => {
    origin = await startOrigin({
      "a.png": picture,
      "denied.png": { answer: (_, response) => response.writeHead(403).end() },
    });
    server = await start();
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  function start(options: PageStatusOptions = {}): Promise<TestServer> {
    const config: MediatapConfig = {
      plugins: [urlImagekit(), storageWeb(), imageSharp(), cacheMemory(), pageStatus(options)],
      origins: {
        site: { type: "WEB_FOLDER", baseUrl: origin.url },
        spare: { type: "WEB_FOLDER", baseUrl: origin.url },
      },
      endpoints: { default: { origins: ["site"] } },
    };
    return startServer(config);
  }

  const data = async () => JSON.parse((await server.ask("/-/status/data")).text);

  it("serves the page and every file that it names", async () => {
    const page = await server.ask("/-/status");
    assert.equal(page.status, 200);
    assert.match(page.headers["content-type"] ?? "", /^text\/html/);
    const named = [...page.text.matchAll(/(?:src|href)="(\/-\/[^"]+)"/g)].map((match) => String(match[1]));
    assert.ok(named.includes("/-/status/app.js"));
    for (const path of [...named, "/-/status/words.js"]) {
      const { status, headers, body } = await server.ask(path);
      assert.equal(status, 200, path);
      assert.ok(body.length > 0, path);
      assert.match(headers["content-security-policy"] ?? "", /^default-src 'none'; script-src 'self';/, path);
    }
  });

  it("names no address outside this server, and has no inline script or style", async () => {
    for (const path of ["/-/status", "/-/status/app.js", "/-/status/style.css"]) {
      const { text } = await server.ask(path);
      assert.doesNotMatch(
        text,
        /https?:\/\/|["'(]\/\/\w|<style|\son\w+="|\sstyle="|<script(?![^>]*src=)/,
        path,
      );
    }
  });

  it("answers 304 to the ETag that it gave", async () => {
    const { headers } = await server.ask("/-/status");
    const again = await server.ask("/-/status", { headers: { "if-none-match": headers.etag ?? "" } });
    assert.equal(again.status, 304);
  });

  it("tells what the server does, and how its origins are", async () => {
    await server.ask("/tr:w-20/a.png");
    await server.ask("/tr:w-20/a.png");
    const now = await data();
    assert.equal(now.total, 2);
    assert.equal(now.series.length, 60);
    assert.deepEqual([now.work.running, now.work.waiting], [0, 0]);
    assert.ok(now.work.places >= 1);
    assert.ok(now.memory.rss > 10_000_000);
    assert.deepEqual(now.origins, [
      { name: "site", type: "WEB_FOLDER", breaker: "closed", asked: 1, failed: 0 },
      { name: "spare", type: "WEB_FOLDER", breaker: "closed", asked: 0, failed: 0 },
    ]);
    assert.deepEqual(now.failures, []);
  });

  it("shows the last failures without a secret, host or reason", async () => {
    await server.ask("/denied.png?ik-s=0123456789abcdef&token=s3cret");
    await server.ask("/none.png");
    const { failures, origins } = await data();
    assert.equal(failures.length, 1);
    assert.equal(failures[0].origin, "site");
    assert.equal(failures[0].code, "EACCES");
    assert.equal(failures[0].url, "denied.png");
    assert.deepEqual([origins[0].asked, origins[0].failed], [2, 1]);
    const { text } = await server.ask("/-/status/data");
    assert.doesNotMatch(text, new RegExp(`s3cret|0123456789abcdef|127\\.0\\.0\\.1|${origin.port}`));
  });

  it("opens only to its password, where there is one", async () => {
    await server.close();
    server = await start({ password: "open: sesame" });
    const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString("base64")}` });
    for (const path of ["/-/status", "/-/status/data"]) {
      for (const headers of [{}, basic("me:sesame"), basic("open: sesame"), { authorization: "Bearer x" }]) {
        const { status, headers: got, text } = await server.ask(path, { headers });
        assert.equal(status, 401);
        assert.match(got["www-authenticate"] ?? "", /^Basic realm=/);
        assert.doesNotMatch(text, /sesame|rss/);
      }
      assert.equal((await server.ask(path, { headers: basic("me:open: sesame") })).status, 200);
    }
  });

  it("names the field of a wrong option", () => {
    assert.throws(() => pageStatus({ passwort: "x" } as object), /page-status\.passwort: unknown field/);
    assert.throws(() => pageStatus({ password: "" }), /page-status\.password/);
  });
});

describe("the tally of page-status", () => {
  let time: number;
  const answered = (duration: number, more: object = {}, bytes = 100): Report =>
    ({
      kind: "exchange",
      duration,
      bytes,
      exchange: {
        request: { url: "/a?ik-s=secret" },
        reply: { status: 200 },
        cache: { hit: true },
        provenance: "real",
        ...more,
      },
    }) as Report;

  const read = (...tallies: Tally[]) =>
    summarize(
      tallies.map((tally) => tally.snapshot()),
      time,
    );

  beforeEach(() => {
    time = 1_000_000 * SLOT;
  });

  it("knows the rates of the last minute, and nothing older than two", () => {
    const tally = createTally(() => time);
    time += 600_000;
    for (let i = 0; i < 90; i++) tally.count(answered(1));
    for (let i = 0; i < 30; i++) tally.count(answered(1, { cache: { hit: false, forward: "miss" } }));
    time += SLOT;
    const now = read(tally);
    assert.equal(now.perSecond, 2);
    assert.equal(now.bytesPerSecond, 200);
    assert.equal(now.hitRatio, 0.75);
    assert.deepEqual(now.series.at(-1), { requests: 120, hits: 90, errors: 0 });
    time += 60_000;
    assert.equal(read(tally).perSecond, 0);
    assert.equal(read(tally).series.at(-31)?.requests, 120);
    time += 60_000;
    assert.equal(
      read(tally).series.some((slot: { requests: number }) => slot.requests > 0),
      false,
    );
    assert.equal(read(tally).hitRatio, null);
    assert.equal(read(tally).total, 120);
  });

  it("knows percentiles to a fifth, from the fastest to the slowest", () => {
    const tally = createTally(() => time);
    for (const [times, duration] of [
      [980, 0.3],
      [15, 40],
      [5, 12_000],
    ] as const) {
      for (let i = 0; i < times; i++) tally.count(answered(duration));
    }
    time += SLOT;
    const { p50, p99 } = read(tally);
    assert.ok(Math.abs((p50 ?? 0) / 0.3 - 1) < 0.2, String(p50));
    assert.ok(Math.abs((p99 ?? 0) / 40 - 1) < 0.2, String(p99));
    tally.count(answered(0));
    tally.count(answered(1e9));
    assert.equal(read(tally).total, 1002);
  });

  it("keeps the last twenty kinds of failures, equal ones together with the last of their URLs", () => {
    const tally = createTally(() => time);
    const fail = (kind: number, url: string) => {
      time++;
      const error = { code: "EINTERNAL", message: `Error ${kind}`, status: 500 };
      tally.count(answered(1, { error, request: { url }, reply: { status: 500 } }));
    };
    for (let kind = 0; kind < 25; kind++)
      for (let n = 1; n <= 11; n++) fail(kind, `/${kind}-${n}?ik-s=secret`);
    const { failures } = read(tally);
    assert.equal(failures.length, 20);
    assert.equal(failures[0]?.time, time);
    assert.equal(failures[0]?.status, 500);
    assert.equal(failures[0]?.times, 11);
    assert.equal(failures[0]?.url, "/24-11?ik-s=***");
  });

  it("counts what an origin or the server failed at, whatever the status, and no error of a client", () => {
    const tally = createTally(() => time);
    for (const [code, status, more] of [
      ["ECONNREFUSED", 404, { outage: true }],
      ["UNIDENTIFIED", 404, { outage: true }],
      ["EACCES", 404, {}],
      ["EBUSY", 503, {}],
      ["ETIMEDOUT", 504, {}],
      ["EINTERNAL", 500, {}],
      ["ENOENT", 404, {}],
      ["UNIDENTIFIED", 404, {}],
      ["EINVAL", 400, {}],
      ["ESIGNATURE", 401, {}],
    ] as const) {
      const error = { code, message: code, status, outage: false, ...more };
      tally.count(answered(1, { error, reply: { status } }));
    }
    time += SLOT;
    const { errors, errorRatio, series, failures } = read(tally);
    assert.equal(errors, 6);
    assert.equal(errorRatio, 0.6);
    assert.equal(series.at(-1)?.errors, 6);
    assert.deepEqual(failures.map(({ code }) => code).sort(), ["EBUSY", "EINTERNAL", "ETIMEDOUT"]);
  });

  it("adds up what several processes have counted", () => {
    const [one, two] = [createTally(() => time), createTally(() => time)];
    const error = { code: "EINTERNAL", message: "Internal error", status: 500 };
    const attempted = (tally: Tally, more: object = {}) =>
      tally.count({
        kind: "attempt",
        attempt: { origin: "site", asset: { path: "a.jpg" } },
        outcome: "found",
        ...more,
      } as Report);
    time += 600_000;
    for (let i = 0; i < 30; i++) one.count(answered(1));
    for (let i = 0; i < 10; i++) two.count(answered(100, { cache: { hit: false } }));
    for (const tally of [one, two]) {
      tally.count(answered(1, { error, reply: { status: 500 } }));
      attempted(tally);
      attempted(tally, { outcome: "failed", error: { code: "ECONNREFUSED", message: "down" } });
    }
    time += SLOT;
    const all = read(one, two);
    assert.equal(all.total, 42);
    assert.deepEqual(all.series.at(-1), { requests: 42, hits: 32, errors: 2 });
    assert.equal(all.perSecond, 42 / 60);
    assert(Math.abs((all.p99 ?? 0) / 100 - 1) < 0.2);
    assert.deepEqual(all.origin("site"), { asked: 4, failed: 2 });
    assert.deepEqual(all.origin("other"), { asked: 0, failed: 0 });
    assert.deepEqual(all.failures.map(({ code, times }) => [code, times]).sort(), [
      ["ECONNREFUSED", 2],
      ["EINTERNAL", 2],
    ]);
  });
});
