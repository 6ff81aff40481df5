import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import { createServer, loadConfig } from "@mediatap/core/server";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import { makePng, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { type MetricsOptions, metrics } from "../src/index.ts";

const picture = makePng(60, 40, () => [200, 30, 30, 255]);

describe("metrics", () => {
  let origin: WebOrigin;
  let server: TestServer;

  beforeEach(async () => {
    origin = await startOrigin({
      "a.png": picture,
      "slow.png": { answer: () => {} },
      "broken.png": { answer: (_, response) => response.writeHead(500).end() },
    });
    server = await start();
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  const config = (options: MetricsOptions = {}, more: MediatapConfig = {}): MediatapConfig => ({
    plugins: [urlImagekit(), storageWeb(), imageSharp(), cacheMemory(), metrics(options)],
    origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
    endpoints: { default: { origins: ["site"] } },
    limits: { breakerRequests: 1, breakerRate: 1, breakerOpen: 60_000 },
    ...more,
  });
  const start = (options?: MetricsOptions, more?: MediatapConfig) => startServer(config(options, more));

  /** Values by name and labels as they stand in the text. */
  async function scrape(headers: Record<string, string> = {}): Promise<Map<string, number>> {
    const { status, text } = await server.ask("/-/metrics", { headers });
    assert.equal(status, 200);
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(
      lines.map((line) => {
        const at = line.lastIndexOf(" ");
        return [line.slice(0, at), Number(line.slice(at + 1))];
      }),
    );
  }

  const request = (labels: string) => `mediatap_requests_total{tenant="",endpoint="default",${labels}}`;

  it("counts requests by what became of them", async () => {
    for (const path of ["/tr:w-20/a.png", "/tr:w-20/a.png", "/none.png", "/tr:w-x/a.png"]) {
      await server.ask(path);
    }
    const found = await scrape();
    const seen = (labels: string) => found.get(request(labels));
    assert.equal(seen('status="2xx",cache="miss",provenance="real",lane="light"'), 1);
    assert.equal(seen('status="2xx",cache="hit",provenance="real",lane="none"'), 1);
    assert.equal(seen('status="4xx",cache="miss",provenance="real",lane="none"'), 1);
    assert.equal(seen('status="4xx",cache="none",provenance="real",lane="none"'), 1);
    assert.equal(found.get('mediatap_cache_hits_total{cache="cache-memory"}'), 1);
    assert.equal(found.get('mediatap_errors_total{tenant="",endpoint="default",code="ENOENT"}'), 1);
    assert.equal(found.get('mediatap_errors_total{tenant="",endpoint="default",code="EINVAL"}'), 1);
    assert.equal(
      found.get('mediatap_request_duration_seconds_count{tenant="",endpoint="default",cache="hit"}'),
      1,
    );
  });

  it("counts the bytes of bodies, and a HEAD as none", async () => {
    const { body } = await server.ask("/tr:w-20/a.png");
    await server.ask("/tr:w-20/a.png", { method: "HEAD" });
    const found = await scrape();
    assert.equal(found.get('mediatap_sent_bytes_total{tenant="",endpoint="default"}'), body.length);
  });

  it("measures the phases of a render once, however many wait for it", async () => {
    await Promise.all(Array.from({ length: 5 }, () => server.ask("/tr:w-30/a.png")));
    const found = await scrape();
    for (const phase of ["download", "queue", "transformation"]) {
      assert.equal(
        found.get(`mediatap_phase_duration_seconds_count{phase="${phase}",lane="light"}`),
        1,
        phase,
      );
    }
    const done = 'mediatap_renders_total{tenant="",endpoint="default",lane="light",outcome="done"}';
    assert.equal(found.get(done), 1);
    const counted = [...found].filter(([name]) => name.startsWith("mediatap_requests_total"));
    assert.equal(
      counted.reduce((sum, [, value]) => sum + value, 0),
      5,
    );
  });

  it("tells what origins answered, and the state of their breakers", async () => {
    const attempts = (outcome: string, code = "") =>
      `mediatap_origin_attempts_total{origin="site",outcome="${outcome}",code="${code}"}`;
    const breaker = (state: string) => `mediatap_origin_breaker_state{origin="site",state="${state}"}`;
    await server.ask("/a.png");
    await server.ask("/none.png");
    const before = await scrape();
    assert.equal(before.get(attempts("found")), 1);
    assert.equal(before.get(attempts("not_here")), 1);
    assert.equal(before.get(breaker("closed")), 1);
    await server.ask("/broken.png");
    await server.ask("/other.png");
    const after = await scrape();
    assert.equal(after.get(attempts("failed", "UNIDENTIFIED")), 1);
    assert.equal(after.get(attempts("skipped", "UNIDENTIFIED")), 1);
    assert.equal(after.get(breaker("open")), 1);
    assert.equal(after.get(breaker("closed")), 0);
    assert.equal(after.get('mediatap_origin_duration_seconds_count{origin="site"}'), 3);
  });

  it("tells an outage from a file that is missing, though both are 404", async () => {
    const responses = (code: number, outcome: string) =>
      `mediatap_responses_total{tenant="",endpoint="default",code="${code}",outcome="${outcome}"}`;
    for (const path of ["/a.png", "/none.png", "/tr:w-x/a.png", "/di-a.png/none.png?tr=di-a.png"]) {
      await server.ask(path);
    }
    await server.ask("/broken.png");
    // Its breaker is open.
    await server.ask("/other.png");
    const found = await scrape();
    assert.equal(found.get(responses(200, "served")), 1);
    assert.equal(found.get(responses(404, "not_found")), 1);
    assert.equal(found.get(responses(400, "refused")), 1);
    assert.equal(found.get(responses(200, "fallback")), 1);
    assert.equal(found.get(responses(404, "origin_failed")), 2);
  });

  it("tells what caches hold, and what goes on", async () => {
    await server.ask("/tr:w-20/a.png");
    const before = await scrape();
    const cache = (name: string, values = before) =>
      values.get(`mediatap_cache_${name}{cache="cache-memory"}`);
    const bytes = (await server.ask("/tr:w-20/a.png")).body.length;
    assert.equal(cache("bytes"), bytes);
    assert.equal(cache("entries"), 1);
    assert.equal(cache("evictions_total"), 0);
    assert.equal(cache("max_bytes"), 128 * 1024 * 1024);
    // The question itself.
    assert.equal(before.get("mediatap_requests_in_progress"), 1);
    assert((before.get("mediatap_connections") ?? 0) >= 1);
    assert.equal(before.get("mediatap_workers"), 1);
  });

  it("counts what caches removed to make room", async () => {
    await server.close();
    const { plugins = [], ...rest } = config();
    const small = plugins.map((plugin) =>
      (plugin as Plugin).name === "cache-memory"
        ? cacheMemory({ maxBytes: 4_000, maxEntryBytes: 4_000 })
        : plugin,
    );
    server = await startServer({ plugins: small, ...rest });
    for (let width = 20; width < 50; width++) await server.ask(`/tr:w-${width},f-png/a.png`);
    const found = await scrape();
    assert((found.get('mediatap_cache_evictions_total{cache="cache-memory"}') ?? 0) > 0);
    assert((found.get('mediatap_cache_bytes{cache="cache-memory"}') ?? 0) <= 4_000);
  });

  it("reports what other plugins measure", async () => {
    await server.close();
    const measure = (name: string, value: number): Plugin => ({
      name,
      version: "1",
      apiVersion: 1,
      apply: ({ metric }) =>
        metric({ name: "things", help: "Things.", type: "gauge", read: () => [[{ by: name }, value]] }),
    });
    const { plugins = [], ...rest } = config();
    server = await startServer({ plugins: [...plugins, measure("one", 1), measure("two", 2)], ...rest });
    const found = await scrape();
    assert.deepEqual(
      ["one", "two"].map((by) => found.get(`mediatap_things{by="${by}"}`)),
      [1, 2],
    );
    const wrong = (name: string, type: "gauge" | "counter"): Plugin => ({
      name: "wrong",
      version: "1",
      apiVersion: 1,
      apply: ({ metric }) => metric({ name, help: "", type, read: () => [] }),
    });
    for (const [plugin, message] of [
      [wrong("Things", "gauge"), /wrong: Expected lower-case letters.* received 'Things'/],
      [wrong("things", "counter"), /wrong: the metric things is no counter in another plugin/],
    ] as const) {
      await assert.rejects(startServer({ plugins: [...plugins, measure("one", 1), plugin], ...rest }), {
        code: "ECONFIG",
        message,
      });
    }
  });

  it("tells of an attempt that nobody waited for any more", async () => {
    const leave = new AbortController();
    const asked = server.ask("/slow.png", { signal: leave.signal }).catch(() => undefined);
    await origin.asked("slow.png");
    leave.abort();
    await asked;
    const aborted = 'mediatap_origin_attempts_total{origin="site",outcome="aborted",code=""}';
    const gone = request('status="none",cache="miss",provenance="real",lane="none"');
    for (;;) {
      const found = await scrape();
      if (found.get(aborted) === 1 && found.get(gone) === 1) break;
    }
  });

  it("shows load, build, plugins and the process", async () => {
    const found = await scrape();
    assert.ok((found.get("mediatap_work_places") ?? 0) >= 1);
    for (const name of ["running", "waiting", "waiting_seconds"]) {
      assert.equal(found.get(`mediatap_work_${name}`), 0);
    }
    assert.equal(found.get("mediatap_generation"), 1);
    assert.equal(found.get(`mediatap_build_info{version="0.1.0",node="${process.version}"}`), 1);
    assert.equal(found.get('mediatap_plugin_info{plugin="image-sharp",version="0.1.0"}'), 1);
    assert.ok((found.get("process_resident_memory_bytes") ?? 0) > 10_000_000);
    assert.ok(found.has("nodejs_eventloop_lag_p99_seconds"));
  });

  it("notices an event loop that stood still", async () => {
    await scrape();
    // It is measured from look to look: the first one after the last reading is its beginning.
    await new Promise((resolve) => setTimeout(resolve, 100));
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    const { nodejs_eventloop_lag_max_seconds: longest = 0 } = Object.fromEntries(await scrape());
    assert.ok(longest > 0.2, String(longest));
  });

  it("has no label that a client chooses", async () => {
    for (let i = 0; i < 20; i++) {
      await server.ask(`/secret-${i}/x.png?tr=w-${i + 1}&v=secret-${i}`, {
        headers: { "user-agent": `secret-${i}`, host: `secret-${i}.example` },
      });
    }
    const { text } = await server.ask("/-/metrics");
    assert.doesNotMatch(text, /secret/);
    assert.equal(text.split("\n").filter((line) => line.startsWith("mediatap_requests_total")).length, 1);
  });

  it("is well-formed: each family once, with help and type before it", async () => {
    await server.ask("/a.png");
    const { headers, text } = await server.ask("/-/metrics");
    assert.match(headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/);
    assert.equal(headers["cache-control"], "no-store");
    assert.ok(text.endsWith("\n"));
    const families = [...text.matchAll(/^# TYPE (\S+) /gm)].map((match) => match[1]);
    assert.equal(new Set(families).size, families.length);
    for (const [, name = ""] of text.matchAll(/^([a-z_]+)[{ ]/gm)) {
      const base = name.replace(/_(bucket|sum|count)$/, "");
      assert.ok(families.includes(name) || families.includes(base), name);
    }
  });

  it("leaves the process out where that is asked for", async () => {
    await server.close();
    server = await start({ process: false });
    const found = await scrape();
    assert.equal([...found.keys()].filter((name) => !name.startsWith("mediatap_")).length, 0);
  });

  it("takes buckets of one's own", async () => {
    await server.close();
    server = await start({ buckets: [0.2, 7] });
    await server.ask("/a.png");
    const bounds = [...(await scrape()).keys()]
      .filter((name) => name.startsWith("mediatap_request_duration_seconds_bucket"))
      .map((name) => /le="([^"]+)"/.exec(name)?.[1]);
    assert.deepEqual(bounds, ["0.2", "7", "+Inf"]);
  });

  it("opens only to its token, where there is one", async () => {
    await server.close();
    server = await start({ token: "s3cret" });
    for (const authorization of ["", "Bearer s3cre", "Basic s3cret", "Bearer s3cret2"]) {
      const { status, headers, text } = await server.ask("/-/metrics", { headers: { authorization } });
      assert.equal(status, 401);
      assert.match(headers["www-authenticate"] ?? "", /^Bearer/);
      assert.doesNotMatch(text, /mediatap_|s3cret/);
    }
    assert.ok((await scrape({ authorization: "Bearer s3cret" })).size > 10);
  });

  it("names the field of a wrong option", async () => {
    assert.throws(
      () => metrics({ tokens: "x" } as object),
      /metrics\.tokens: unknown field, did you mean "token"/,
    );
    assert.throws(() => metrics({ token: "" }), /metrics\.token/);
    assert.throws(() => metrics({ buckets: [2, 1] }), /metrics\.buckets: Expected ascending numbers/);
    const loaded = await loadConfig(config(), { source: "test", base: "." });
    await (await createServer({ config: loaded })).close();
  });
});
