import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { stateSqlite } from "@mediatap/state-sqlite";
import { storageWeb } from "@mediatap/storage-web";
import {
  makeFolder,
  makePng,
  passTime,
  resetTime,
  startOrigin,
  startServer,
  stopTime,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { type AnalyticsOptions, analytics } from "../src/index.ts";

const KEY = "private_test_key";
const HOUR = 3_600_000;
const picture = makePng(300, 200, (x, y) => [x % 256, y % 256, (x * y) % 256, 255]);
const headers = { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` };

const CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36";
const IPHONE =
  "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile/15E148 Safari/604.1";

interface Numbers {
  readonly [name: string]: number;
}
interface Report {
  readonly from: string;
  readonly to: string;
  readonly total: Numbers;
  readonly series: readonly (Numbers & { readonly time: string })[];
  readonly endpoints: readonly (Numbers & { readonly endpoint: string })[];
  readonly lists: Readonly<Record<string, readonly { name: string; requests: number; bytes: number }[]>>;
  readonly currency?: string;
}

describe("analytics", () => {
  let origin: WebOrigin;
  let server: TestServer;

  before(async () => {
    origin = await startOrigin({
      "a.png": picture,
      "b.png": picture,
      "denied.png": { answer: (_, response) => response.writeHead(403).end() },
    });
  });
  after(() => origin.close());
  beforeEach(() => start());
  afterEach(async () => {
    resetTime();
    await server.close();
  });

  async function start(options: AnalyticsOptions = {}, more: Partial<MediatapConfig> = {}): Promise<void> {
    server = await startServer({
      plugins: [urlImagekit(), storageWeb(), imageSharp(), cacheMemory(), analytics(options)],
      origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["site"] } },
      privateKey: KEY,
      ...more,
    });
  }
  async function restart(...parameters: Parameters<typeof start>): Promise<void> {
    await server.close();
    await start(...parameters);
  }

  const call = (query = "") => server.ask(`/-/api/analytics${query}`, { headers });
  async function report(query = ""): Promise<Report> {
    const { status, text } = await call(query);
    assert.equal(status, 200, text);
    return JSON.parse(text);
  }
  const requestsOf = (list: Report["lists"][string] | undefined) =>
    Object.fromEntries((list ?? []).map(({ name, requests }) => [name, requests]));

  it("counts requests, hits, errors, renders and lists of an endpoint", async () => {
    const first = await server.ask("/tr:w-30,f-webp/a.png", { headers: { "user-agent": CHROME } });
    const referred = { "user-agent": IPHONE, referer: "https://Shop.example/page?token=s3cret" };
    await server.ask("/tr:w-30,f-webp/a.png", { headers: referred });
    await server.ask("/b.png?tr=h-20%2Cf-jpg", { headers: referred });
    await server.ask("/none.png?token=0123456789abcdef");
    await server.ask("/denied.png");
    await server.ask("/tr:w-x/a.png");
    const { total, endpoints, lists } = await report();
    const { requests, hits, misses, errors, renders } = total;
    assert.deepEqual(
      { requests, hits, misses, errors, renders },
      { requests: 6, hits: 1, misses: 2, errors: 3, renders: 2 },
    );
    assert((total.bytes ?? 0) > 2 * first.body.length);
    assert.deepEqual(
      endpoints.map(({ endpoint, requests }) => [endpoint, requests]),
      [["default", 6]],
    );
    assert.deepEqual(requestsOf(lists.statuses), { 200: 3, 404: 2, 400: 1 });
    assert.deepEqual(requestsOf(lists.errors), { ENOENT: 1, EACCES: 1, EINVAL: 1 });
    assert.deepEqual(requestsOf(lists.caches), { "cache-memory": 1 });
    assert.deepEqual(requestsOf(lists.types), { "image/webp": 2, "image/jpeg": 1 });
    assert.deepEqual(requestsOf(lists.images), { "/a.png": 2, "/b.png": 1 });
    assert.deepEqual(requestsOf(lists.imageTransformations), { "w-30,f-webp": 2, "h-20%2Cf-jpg": 1 });
    assert.deepEqual(requestsOf(lists.notFound), { "/none.png": 1, "/denied.png": 1 });
    assert.deepEqual(requestsOf(lists.referrers), { "shop.example": 2 });
    assert.deepEqual(requestsOf(lists.agents), { "Chrome 126": 1, "Safari 17": 2, other: 3 });
    assert.deepEqual(requestsOf(lists.devices), { "Windows PC": 1, iPhone: 2, other: 3 });
    assert.deepEqual(requestsOf(lists.origins), { site: 2, "site ENOENT": 1, "site EACCES": 1 });
    assert.deepEqual(lists.images?.[0], { name: "/a.png", requests: 2, bytes: 2 * first.body.length });
    const text = JSON.stringify(lists);
    assert.doesNotMatch(text, new RegExp(`s3cret|0123456789abcdef|127\\.0\\.0\\.1|${origin.port}`));
  });

  it("counts a rendition that its origin has confirmed as a hit", async () => {
    await restart({}, { endpoints: { default: { origins: ["site"], cacheControl: "max-age=0" } } });
    for (let at = 0; at < 3; at++) await server.ask("/tr:w-30,f-webp/a.png");
    const { total, lists } = await report();
    const { hits, misses, renders } = total;
    assert.deepEqual({ hits, misses, renders }, { hits: 2, misses: 1, renders: 1 });
    assert.deepEqual(requestsOf(lists.caches), { revalidated: 2 });
  });

  it("adds up by how much renditions that were sent whole are smaller than originals", async () => {
    const { body, headers: got } = await server.ask("/tr:w-30,f-jpg/a.png");
    await server.ask("/tr:w-30,f-jpg/a.png", { method: "HEAD" });
    await server.ask("/tr:w-30,f-jpg/a.png", { headers: { range: "bytes=0-9" } });
    await server.ask("/tr:w-30,f-jpg/a.png", { headers: { "if-none-match": got.etag ?? "" } });
    await server.ask("/tr:orig-true/a.png");
    assert.equal((await report()).total.savedBytes, picture.length - body.length);
  });

  it("divides measured CPU time and calculates its cost", async () => {
    await restart({ prices: { coreHour: 3600, gigabyte: 1000, currency: "EUR" } });
    for (const width of [100, 120, 140]) await server.ask(`/tr:w-${width},f-avif/a.png`);
    const { total, currency } = await report();
    const { cpuSeconds = 0, bytes = 0, cost = 0 } = total;
    const used = process.cpuUsage();
    assert(cpuSeconds > 0 && cpuSeconds < (used.user + used.system) / 1e6, `${cpuSeconds} s`);
    assert(Math.abs(cost - (cpuSeconds + bytes / 1e6)) < 0.01, `${cost}`);
    assert.equal(currency, "EUR");
  });

  it("puts requests into the hour of UTC in which they ended, and hours into days", async () => {
    stopTime();
    await server.ask("/a.png");
    passTime(HOUR);
    await server.ask("/a.png");
    await server.ask("/b.png");
    const { series } = await report();
    assert.deepEqual(
      series.slice(-2).map(({ requests }) => requests),
      [1, 2],
    );
    assert.equal(series.length, 24);
    assert.equal(series.at(-1)?.time, `${new Date(Date.now()).toISOString().slice(0, 13)}:00:00.000Z`);
    const days = await report("?by=day");
    assert.equal(days.series.length, 30);
    assert.equal(days.total.requests, 3);
    assert.deepEqual(requestsOf(days.lists.images), { "/a.png": 2, "/b.png": 1 });
  });

  it("covers the span that was requested, whole hours and days", async () => {
    stopTime();
    await server.ask("/a.png");
    const hour = new Date(Math.floor(Date.now() / HOUR) * HOUR);
    const iso = hour.toISOString();
    const later = new Date(hour.getTime() + HOUR).toISOString();
    const span = await report(`?from=${iso}&to=${later}`);
    assert.deepEqual([span.from, span.to, span.total.requests], [iso, later, 1]);
    const before = await report(`?from=${new Date(hour.getTime() - HOUR).toISOString()}&to=${iso}`);
    assert.deepEqual([before.total.requests, before.series.length, before.lists.images], [0, 1, []]);
    const date = iso.slice(0, 10);
    const next = new Date(Date.parse(date) + 24 * HOUR).toISOString().slice(0, 10);
    assert.equal((await report(`?by=day&from=${date}&to=${next}`)).total.requests, 1);
  });

  it("refuses what it does not understand", async () => {
    for (const [query, message] of [
      ["?by=week", "Expected one of hour, day for by but received 'week'"],
      [
        "?from=yesterday",
        "Expected a date such as 2026-11-30 or a time such as 2026-11-30T15:00:00Z for from but received 'yesterday'",
      ],
      [
        "?from=2026-13-01",
        "Expected a date such as 2026-11-30 or a time such as 2026-11-30T15:00:00Z for from but received '2026-13-01'",
      ],
      ["?from=2026-01-02&to=2026-01-01", "Expected a time after from for to but received '2026-01-01'"],
      [
        "?from=2026-01-01&to=2026-02-01",
        "Expected a time at most 3 days before to for from but received '2026-01-01'",
      ],
      [
        "?by=day&from=2026-01-01&to=2026-12-01",
        "Expected a time at most 90 days before to for from but received '2026-01-01'",
      ],
    ] as const) {
      const { status, text } = await call(query);
      assert.deepEqual(
        [status, JSON.parse(text)],
        [400, { message, help: "See the README of analytics." }],
        query,
      );
    }
    const unknown = await call("?endpoint=other");
    assert.deepEqual([unknown.status, JSON.parse(unknown.text).message], [404, "There is no such endpoint"]);
    assert.equal((await server.ask("/-/api/analytics")).status, 401);
  });

  it("shows a key the endpoints that it is valid for, and no others", async () => {
    const tenant = (key: string) => ({
      origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["site"] }, shop: { origins: ["site"] } },
      privateKey: key,
    });
    await restart(
      {},
      { origins: {}, endpoints: {}, tenants: { acme: tenant("acme_key"), beta: tenant("beta_key") } },
    );
    await server.ask("/acme/a.png");
    await server.ask("/acme/shop/a.png");
    await server.ask("/beta/b.png");
    await server.ask("/beta/secret-name.png");
    const of = async (key: string, query = "") => {
      const authorization = `Basic ${Buffer.from(`${key}:`).toString("base64")}`;
      const { status, text } = await server.ask(`/-/api/analytics${query}`, { headers: { authorization } });
      return { status, text, report: JSON.parse(text) as Report };
    };
    const acme = await of("acme_key");
    assert.deepEqual(
      acme.report.endpoints.map(({ tenant, endpoint, requests }) => [tenant, endpoint, requests]).sort(),
      [
        ["acme", "default", 1],
        ["acme", "shop", 1],
      ],
    );
    assert.equal(acme.report.total.requests, 2);
    assert.doesNotMatch(acme.text, /beta|b\.png|secret-name/);
    assert.equal((await of("acme_key", "?endpoint=shop")).report.total.requests, 1);
    assert.equal((await of("acme_key", "?endpoint=beta/default")).status, 404);
    assert.deepEqual(requestsOf((await of("beta_key")).report.lists.images), { "/beta/b.png": 1 });
    assert.equal((await of(KEY)).status, 401);
  });

  it("keeps no query of an address", async () => {
    await restart(
      {},
      { origins: { any: { type: "WEB_PROXY" } }, endpoints: { default: { origins: ["any"] } } },
    );
    const address = "http://127.0.0.1:1/a.png";
    await server.ask(`/${address}?anything=hunter2`);
    await server.ask(`/${encodeURIComponent(`${address}?sig=hunter2`)}`);
    const { lists } = await report();
    assert.deepEqual(requestsOf(lists.notFound), { [`/${address}`]: 2 });
  });

  it("counts countries by the header that a CDN sets", async () => {
    await restart({ countryHeader: "CF-IPCountry" });
    for (const country of ["de", "DE", "fr", "<script>"]) {
      await server.ask("/a.png", { headers: { "cf-ipcountry": country } });
    }
    assert.deepEqual(requestsOf((await report()).lists.countries), { DE: 2, FR: 1 });
  });

  describe("with a plugin that keeps state", () => {
    let folder: TestFolder;
    before(async () => {
      folder = await makeFolder();
    });
    after(() => folder.close());

    const configOf = (name: string): MediatapConfig => ({
      plugins: [
        ...[urlImagekit(), storageWeb(), imageSharp(), cacheMemory(), analytics()],
        stateSqlite({ path: join(folder.path, name) }),
      ],
      origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["site"] }, shop: { origins: ["site"] } },
      privateKey: KEY,
    });
    async function restartWith(name: string): Promise<void> {
      await server.close();
      server = await startServer(configOf(name));
    }

    it("keeps the numbers when the server restarts, and goes on counting", async () => {
      stopTime();
      await restartWith("restart.sqlite");
      await server.ask("/a.png");
      await restartWith("restart.sqlite");
      assert.deepEqual(requestsOf((await report()).lists.images), { "/a.png": 1 });
      await server.ask("/a.png");
      const { total, lists, series } = await report();
      assert.deepEqual([total.requests, series.at(-1)?.requests], [2, 2]);
      assert.deepEqual(requestsOf(lists.images), { "/a.png": 2 });
    });

    it("adds up all processes that use the same store", async () => {
      stopTime();
      await restartWith("shared.sqlite");
      const other = await startServer(configOf("shared.sqlite"));
      try {
        await server.ask("/a.png");
        for (const _ of [1, 2]) await other.ask("/b.png");
        // A report contains what its own process has counted until now: the others write every ten seconds.
        await other.ask("/-/api/analytics", { headers });
        assert.deepEqual(requestsOf((await report()).lists.images), { "/a.png": 1, "/b.png": 2 });
      } finally {
        await other.close();
      }
    });

    it("adds up hours in days, and keeps hours for 3 days and days for 90", async () => {
      stopTime();
      await restartWith("days.sqlite");
      await server.ask("/a.png");
      passTime(HOUR);
      await server.ask("/a.png");
      await server.ask("/shop/b.png");
      const total = async (query: string) => (await report(query)).total.requests;
      const began = new Date(Date.now() - HOUR);
      const from = (days: number) => new Date(began.getTime() + days * 24 * HOUR).toISOString();
      // Rolled up for the first time, and once more.
      for (const _ of ["first", "second"]) {
        passTime(25 * HOUR);
        const days = await report("?by=day");
        assert.deepEqual(
          [days.total.requests, requestsOf(days.lists.images), days.endpoints.length],
          [3, { "/a.png": 2, "/shop/b.png": 1 }, 2],
        );
        assert.equal(await total(`?from=${from(0)}&to=${from(1)}`), 3);
      }
      passTime(3 * 24 * HOUR);
      assert.equal(await total("?by=day"), 3);
      assert.equal(await total(`?from=${from(0)}&to=${from(1)}`), 0);
      passTime(84 * 24 * HOUR);
      assert.equal(await total(`?by=day&from=${from(0)}&to=${from(80)}`), 3);
      passTime(4 * 24 * HOUR);
      assert.equal(await total(`?by=day&from=${from(0)}&to=${from(80)}`), 0);
    });

    it("deletes the records of an account that is gone, and keeps those of an endpoint that is", async () => {
      stopTime();
      const { endpoints, ...config } = configOf("accounts.sqlite");
      const account = { origins: config.origins ?? {}, endpoints: endpoints ?? {}, privateKey: "acme_key" };
      const startWith = async (more: MediatapConfig) => {
        await server.close();
        server = await startServer({ ...config, ...more });
        passTime(HOUR);
        await report();
      };
      const database = new DatabaseSync(join(folder.path, "accounts.sqlite"), { timeout: 10_000 });
      const hasRecords = (tenant: string, endpoint: string) => {
        const rows = database.prepare("SELECT value FROM records WHERE collection LIKE 'analytics-%'").all();
        return rows.some(({ value }) => {
          const record = String(value).startsWith("{") ? JSON.parse(String(value)) : {};
          return record.tenant === tenant && record.endpoint === endpoint;
        });
      };
      try {
        await startWith({ endpoints, tenants: { acme: account } });
        for (const path of ["/a.png", "/shop/a.png", "/acme/a.png"]) await server.ask(path);
        // An hour, and the day that it is rolled up into.
        passTime(25 * HOUR);
        await server.ask("/acme/a.png");
        await report();
        assert.deepEqual(
          [hasRecords("", "default"), hasRecords("", "shop"), hasRecords("acme", "default")],
          [true, true, true],
        );
        const { shop: _, ...left } = endpoints ?? {};
        await startWith({ endpoints: left });
        assert.deepEqual(
          [hasRecords("", "default"), hasRecords("", "shop"), hasRecords("acme", "default")],
          [true, true, false],
        );
        passTime(91 * 24 * HOUR);
        await report();
        assert.equal(hasRecords("", "shop"), false);
      } finally {
        database.close();
      }
    });

    it("writes what it could not write before", async () => {
      stopTime();
      await restartWith("locked.sqlite");
      const database = new DatabaseSync(join(folder.path, "locked.sqlite"));
      await server.ask("/a.png");
      database.exec("ALTER TABLE records RENAME TO hidden");
      assert.equal((await call()).status, 500);
      passTime(HOUR);
      await server.ask("/b.png");
      database.exec("ALTER TABLE hidden RENAME TO records");
      database.close();
      const { series } = await report();
      assert.deepEqual(
        series.slice(-2).map(({ requests }) => requests),
        [1, 1],
      );
    });
  });

  it("names the field of a wrong option", () => {
    assert.throws(
      () => analytics({ prices: { currency: "euro" } }),
      /analytics\.prices\.currency: Expected a currency code/,
    );
    assert.throws(
      () => analytics({ prices: { coreHour: -1, currency: "EUR" } }),
      /analytics\.prices\.coreHour/,
    );
    assert.throws(
      () => analytics({ countryHeader: "a b" }),
      /analytics\.countryHeader: Expected the name of a header/,
    );
    assert.throws(() => analytics({ price: 1 } as object), /analytics\.price: unknown field/);
  });
});
