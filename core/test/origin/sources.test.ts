import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { pino } from "pino";
import { type Conditions, createHooks } from "../../src/hooks.ts";
import type { Asset } from "../../src/model/asset.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import { MediaError } from "../../src/model/errors.ts";
import { DEFAULT_LIMITS } from "../../src/model/limits.ts";
import type { RenderContext } from "../../src/model/render-context.ts";
import { NOT_MODIFIED, type Source, type Storage } from "../../src/model/source.ts";
import { createBreakers } from "../../src/origin/breakers.ts";
import type { OriginEntry } from "../../src/origin/entry.ts";
import { createByteBudget } from "../../src/origin/source.ts";
import { candidates, mostSpecific, tapOrigins } from "../../src/origin/sources.ts";

const log = pino({ level: "silent" });
const asset: Asset = { tenant: "", endpoint: "photos", kind: "path", path: "a.jpg" };

const originOf = (name: string, storage: Partial<Storage>): OriginEntry => ({
  name,
  type: "TEST",
  fingerprint: name,
  storage: storage as Storage,
});

const endpointOf = (more: Partial<Endpoint>) =>
  new Map([["photos", { tenant: "", name: "photos", ...more } as Partial<Endpoint> as Endpoint]]);

/** Storages by name, asked in this order; counts what was opened and closed. */
function asking(storages: Record<string, Storage["open"]>) {
  const origins = new Map(Object.entries(storages).map(([name, open]) => [name, originOf(name, { open })]));
  const endpoints = endpointOf({ origins: [...origins.keys()] });
  const budget = createByteBudget(1_000);
  const purgeRules = { timeOfOriginal: () => 0 };
  const breakers = createBreakers(DEFAULT_LIMITS, log);
  const fetch = tapOrigins({ hooks: createHooks(), origins, endpoints, budget, breakers, purgeRules, log });
  return (conditions: Conditions = {}, signal = new AbortController().signal) =>
    fetch(asset, conditions, { signal, key: "key", spans: { add() {} } } as unknown as RenderContext);
}

/** A storage with one file. */
function fileIn(text: string) {
  const counts = { opened: 0, closed: 0 };
  const open: Storage["open"] = async () => {
    counts.opened++;
    return {
      size: text.length,
      body: () => Readable.from([Buffer.from(text)]),
      close: () => void counts.closed++,
    };
  };
  return { open, counts };
}

const missing: Storage["open"] = async () => undefined;
const failing = (code: "EACCES" | "ENOENT" | "ECONNREFUSED") => async () => {
  throw new MediaError(code, `failed with ${code}`);
};
const textOf = async (source: unknown) => Buffer.from(await (source as Source).bytes(99)).toString();

describe("the origins that are tried", () => {
  const url = { ...asset, kind: "url" as const, path: "https://a.example/a.jpg" };
  const origins = new Map(
    [originOf("one", {}), originOf("two", {}), originOf("web", { urls: true })].map((entry) => [
      entry.name,
      entry,
    ]),
  );
  const namesOf = (of: Asset, rules: Partial<Endpoint>) =>
    candidates(of, endpointOf(rules), origins).map(({ name }) => name);

  it("are the library and then those of the endpoint, each once", () => {
    assert.deepEqual(namesOf(asset, { origins: ["one", "two"], library: "two" }), ["two", "one"]);
    assert.deepEqual(namesOf(asset, { origins: ["none", "one"] }), ["one"]);
    assert.deepEqual(namesOf({ ...asset, endpoint: "other" }, { origins: ["one"] }), []);
  });

  it("are web proxies for URLs, and no web proxies for paths", () => {
    assert.deepEqual(namesOf(url, { origins: ["one", "web"] }), ["web"]);
    assert.deepEqual(namesOf(asset, { origins: ["one", "web"] }), ["one"]);
  });
});

describe("a fetch from several origins", () => {
  it("takes the first file, past missing ones and failures", async () => {
    const { open } = fileIn("bytes");
    const after = fileIn("never");
    const source = await asking({ a: missing, b: failing("ECONNREFUSED"), c: open, d: after.open })();
    assert.equal(await textOf(source), "bytes");
    assert.equal((source as Source).metadata.origin, "c");
    assert.equal(after.counts.opened, 0);
  });

  it("finds nothing if no origin has the file, and fails if one has failed", async () => {
    assert.equal(await asking({ a: missing, b: missing })(), undefined);
    const ask = asking({ a: missing, b: failing("ECONNREFUSED"), c: failing("EACCES") });
    await assert.rejects(ask(), { code: "EACCES" });
  });

  it("can be limited to one origin, and pass over others", async () => {
    const ask = asking({ a: fileIn("a").open, b: fileIn("b").open });
    assert.equal(await textOf(await ask({ origin: "b" })), "b");
    assert.equal(await textOf(await ask({ except: ["a"] })), "b");
    assert.equal(await ask({ except: ["a", "b"] }), undefined);
  });

  it("reports an origin whose file is unchanged, with what it sent", async () => {
    const ask = asking({
      a: async (_, { ifNoneMatch, onNotModified }) => {
        assert.equal(ifNoneMatch, '"1"');
        onNotModified?.({ cacheControl: "max-age=60" });
        return NOT_MODIFIED;
      },
    });
    let cacheControl: string | undefined;
    const onNotModified: Conditions["onNotModified"] = (metadata) => {
      cacheControl = metadata.cacheControl;
    };
    assert.equal(await ask({ ifNoneMatch: '"1"', onNotModified }), NOT_MODIFIED);
    assert.equal(cacheControl, "max-age=60");
  });

  it("tries no further origin after its render was aborted", async () => {
    const controller = new AbortController();
    const after = fileIn("never");
    const aborting = async () => {
      controller.abort();
      throw new MediaError("ECONNREFUSED", "away");
    };
    await assert.rejects(asking({ a: aborting, b: after.open })({}, controller.signal));
    assert.equal(after.counts.opened, 0);
  });

  it("opens a file once for renders at the same time, and closes it after the last", async () => {
    const { open, counts } = fileIn("bytes");
    const ask = asking({ a: open });
    const [one, two] = (await Promise.all([ask(), ask()])) as [Source, Source];
    assert.deepEqual([await textOf(one), await textOf(two)], ["bytes", "bytes"]);
    await one.close();
    await one.close();
    assert.deepEqual(counts, { opened: 1, closed: 0 });
    await two.close();
    assert.deepEqual(counts, { opened: 1, closed: 1 });
    await ((await ask()) as Source).close();
    assert.deepEqual(counts, { opened: 2, closed: 2 });
  });
});

describe("the failure of several origins", () => {
  const failures = (["ENOENT", "UNIDENTIFIED", "ECONNREFUSED", "EACCES"] as const).map(
    (code) => new MediaError(code, code),
  );

  it("is the most specific one, in any order", () => {
    assert.equal(mostSpecific(failures)?.code, "EACCES");
    assert.equal(mostSpecific(failures.toReversed())?.code, "EACCES");
    assert.equal(mostSpecific(failures.slice(0, 2))?.code, "UNIDENTIFIED");
    assert.equal(mostSpecific([]), undefined);
  });
});
