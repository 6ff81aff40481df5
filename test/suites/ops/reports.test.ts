import assert from "node:assert/strict";
import {
  currentTrace,
  type Plugin,
  type PluginApi,
  type Report,
  type Trace,
  type Work,
} from "@mediatap/core";
import { startOrigin, startServer, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

const ID = "4bf92f3577b34da6a3ce929d0e0e4736";

describe("work that begins and ends", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let api: PluginApi;
  let works: { work: Work; parent: Trace | undefined }[];
  let reports: Report[];
  let kept: (work: Work) => Trace | undefined;

  const listener: Plugin = {
    name: "test-listener",
    version: "1.0.0",
    apiVersion: 1,
    apply(given) {
      api = given;
      given.hooks.trace.tap("test-listener", (work, parent) => {
        works.push({ work, parent });
        return kept(work);
      });
      given.hooks.report.tap("test-listener", (report) => void reports.push(report));
    },
  };

  beforeEach(async () => {
    works = [];
    reports = [];
    kept = () => undefined;
    origin = await startOrigin({
      "a.jpg": await photo(60, 40),
      "denied.jpg": { answer: (_, response) => response.writeHead(403).end() },
      "broken.jpg": { answer: (_, response) => response.writeHead(500).end() },
      "slow.jpg": { answer: () => {} },
    });
    server = await startServer({
      plugins: [...usual(), listener],
      origins: {
        shop: { type: "WEB_FOLDER", baseUrl: origin.url },
        spare: { type: "WEB_FOLDER", baseUrl: `${origin.url}/spare` },
      },
      endpoints: { default: { origins: ["spare", "shop"] } },
      limits: { breakerRequests: 1, breakerRate: 1, breakerOpen: 60_000 },
    });
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  const subjects = (of: readonly (Work | Report)[]) =>
    of.map((one) =>
      one.kind === "exchange" ? one.exchange : one.kind === "render" ? one.context : one.attempt,
    );
  const outcomes = () =>
    reports.flatMap((report) =>
      report.kind === "attempt" ? [`${report.attempt.place} ${report.attempt.origin} ${report.outcome}`] : [],
    );

  it("is told by the same object at both ends, each within what it belongs to", async () => {
    kept = ({ kind }) => ({ id: ID, flags: "01", state: kind });
    await server.ask("/tr:w-20/a.jpg");
    assert.deepEqual(
      works.map(({ work, parent }) => [work.kind, parent?.state]),
      [
        ["exchange", undefined],
        ["render", "exchange"],
        ["attempt", "render"],
        ["attempt", "render"],
      ],
    );
    assert.deepEqual(new Set(subjects(reports)), new Set(subjects(works.map(({ work }) => work))));
    assert.equal(reports.at(-1)?.kind, "exchange");
  });

  it("contains the metadata of the rendition that a request was answered with", async () => {
    for (const _ of ["miss", "hit"]) await server.ask("/tr:w-20,f-png/a.jpg");
    await server.ask("/tr:w-20/none.jpg");
    const records = reports.flatMap((report) => (report.kind === "exchange" ? [report.exchange.record] : []));
    assert.deepEqual(
      records.map((record) => record && [record.type, record.width, record.sources[0]?.origin]),
      [["image/png", 20, "shop"], ["image/png", 20, "shop"], undefined],
    );
  });

  it("is told of failed requests, of those without an endpoint, and of hits", async () => {
    await server.ask("/a.jpg", { method: "PURGE" });
    await server.ask("/a.jpg", { headers: { host: "a@b" } });
    await server.ask("/tr:w-20/a.jpg");
    works.length = 0;
    await server.ask("/tr:w-20/a.jpg");
    assert.deepEqual(
      works.map(({ work }) => work.kind),
      ["exchange"],
    );
    assert.equal(reports.filter(({ kind }) => kind === "exchange").length, 4);
  });

  it("puts requests to origins under the trace that a plugin keeps", async () => {
    kept = ({ kind }) => ({ id: ID, flags: "01", parent: "00f067aa0ba902b7", state: `at=${kind}` });
    await server.ask("/a.jpg");
    for (const { headers } of origin.requests) {
      assert.equal(headers.traceparent, `00-${ID}-00f067aa0ba902b7-01`);
      assert.equal(headers.tracestate, "at=attempt");
    }
  });

  it("keeps the client's trace where no plugin has one, or one fails", async () => {
    kept = () => {
      throw new Error("on purpose");
    };
    const { status } = await server.ask("/a.jpg", {
      headers: { traceparent: `00-${ID}-00f067aa0ba902b7-01` },
    });
    assert.equal(status, 200);
    assert.match(String(origin.requests[0]?.headers.traceparent), new RegExp(`^00-${ID}-[0-9a-f]{16}-01$`));
    assert.equal(currentTrace(), undefined);
  });

  it("tells what came of each attempt", async () => {
    await server.ask("/a.jpg");
    assert.deepEqual(outcomes(), ["1 spare not here", "2 shop found"]);
    reports.length = 0;
    await server.ask("/denied.jpg");
    const denied = reports.find((report) => report.kind === "attempt" && report.attempt.origin === "shop");
    assert.equal(denied?.kind === "attempt" && denied.error?.code, "EACCES");
    reports.length = 0;
    await server.ask("/broken.jpg");
    await server.ask("/other.jpg");
    assert.deepEqual(outcomes(), ["1 spare not here", "2 shop failed", "1 spare not here", "2 shop skipped"]);
  });

  it("tells of an attempt that nobody waited for any more", async () => {
    const leave = new AbortController();
    const asked = server.ask("/slow.jpg", { signal: leave.signal }).catch(() => undefined);
    await origin.asked("slow.jpg");
    leave.abort();
    await asked;
    await until(() => outcomes().includes("2 shop aborted"), "it is reported");
  });

  it("has its lane in the exchange for which it was done", async () => {
    await server.ask("/tr:w-20/a.jpg");
    await server.ask("/tr:w-20/a.jpg");
    const lanes = reports.flatMap((report) => (report.kind === "exchange" ? [report.exchange.lane] : []));
    assert.deepEqual(lanes, ["light", undefined]);
  });

  it("is what the server's state speaks of", async () => {
    const before = api.state();
    assert.deepEqual(before.breakers, { shop: "closed", spare: "closed" });
    assert.deepEqual(
      { ...before.work, places: 0 },
      { places: 0, running: 0, waiting: 0, waitingCost: 0, memory: 0 },
    );
    assert.match(before.version, /^\d+\.\d+\.\d+$/);
    assert.deepEqual(before.plugins.at(-1), { name: "test-listener", version: "1.0.0" });
    await server.ask("/broken.jpg");
    assert.deepEqual(api.state().breakers, { shop: "open", spare: "closed" });
  });
});
