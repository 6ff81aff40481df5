import assert from "node:assert/strict";
import type { Report } from "@mediatap/core";
import fc from "fast-check";
import { patternOf } from "../src/patterns.ts";
import {
  createTally,
  failuresOf,
  historyOf,
  MINUTE_MS,
  recentOf,
  SLOT_COUNT,
  SLOT_MS,
  summarize,
  type Tally,
} from "../src/tally.ts";

describe("page-console: the tally", () => {
  let time: number;
  beforeEach(() => {
    time = 1_000_000 * SLOT_MS;
  });

  const answered = (duration: number, more: object = {}, bytes = 100): Report =>
    ({
      kind: "exchange",
      duration,
      bytes,
      exchange: {
        request: { url: "/a?ik-s=secret", host: "localhost" },
        endpoint: { tenant: "", name: "default" },
        reply: { status: 200 },
        cache: { hit: true, cache: "cache-memory" },
        provenance: "real",
        ...more,
      },
    }) as Report;
  const failed = (code: string, path: string, more: object = {}) =>
    answered(1, {
      error: { code, message: `${code} happened`, status: 500, outage: false },
      request: { url: `/${path}?ik-s=secret`, host: "localhost" },
      job: { asset: { path } },
      reply: { status: 500 },
      cache: { hit: false },
      ...more,
    });
  const snapshots = (...tallies: Tally[]) =>
    tallies.flatMap((tally) => Object.values(tally.snapshot().tenants));
  const read = (...tallies: Tally[]) => summarize(snapshots(...tallies), time);

  it("knows the rates of the last minute, and nothing older than ten", () => {
    const tally = createTally(() => time);
    tally.count(answered(1));
    time += 1_200_000;
    for (let times = 0; times < 85; times++) tally.count(answered(1));
    const revalidated = { hit: false, forward: "stale", revalidated: true };
    for (let times = 0; times < 5; times++) tally.count(answered(1, { cache: revalidated }));
    for (let times = 0; times < 30; times++)
      tally.count(answered(1, { cache: { hit: false, forward: "miss" } }));
    time += SLOT_MS;
    const now = read(tally);
    assert.deepEqual([now.perSecond, now.bytesPerSecond, now.hitRatio], [2, 200, 0.75]);
    assert.deepEqual(now.caches, { "cache-memory": 85, revalidated: 5 });
    assert.deepEqual(now.series.at(-1), [120, 90, 0]);
    assert.equal(now.series.length, SLOT_COUNT);
    time += 60_000;
    assert.deepEqual([read(tally).perSecond, read(tally).hitRatio, read(tally).p50], [0, null, null]);
    assert.deepEqual(read(tally).caches, {});
    assert.equal(read(tally).series.at(-31)?.[0], 120);
    time += 600_000;
    assert.ok(read(tally).series.every(([requests]) => requests === 0));
    assert.equal(read(tally).total, 121);
  });

  it("keeps an hour of minutes, and no more", () => {
    const tally = createTally(() => time);
    const minutes = () =>
      historyOf(
        [tally, tally].flatMap((one) => one.minutes()[""] ?? []),
        time,
      );
    time = Math.ceil(time / MINUTE_MS) * MINUTE_MS;
    tally.count(answered(20));
    tally.count(failed("EINVAL", "a.png", { reply: { status: 400 } }));
    assert.ok(
      minutes().every(({ requests }) => requests === 0),
      "the present minute is not over",
    );
    time += MINUTE_MS;
    const { p50, p99, ...last } = minutes().at(-1) as ReturnType<typeof minutes>[number];
    assert.deepEqual(last, {
      time: new Date(time - MINUTE_MS).toISOString(),
      requests: 4,
      hits: 2,
      errors: 2,
    });
    assert.ok(Math.abs((p50 ?? 0) - 1) < 0.2 && Math.abs((p99 ?? 0) / 20 - 1) < 0.2, `${p50} ${p99}`);
    for (let at = 0; at < 200; at++) {
      time += MINUTE_MS;
      tally.count(answered(1));
    }
    assert.equal(tally.minutes()[""]?.length, 61);
    assert.deepEqual([minutes().length, minutes()[0]?.requests, minutes()[0]?.p50 === null], [60, 2, false]);
    // A clock that is set back.
    time -= 10 * MINUTE_MS;
    tally.count(answered(1));
    assert.equal(tally.minutes()[""]?.at(-1)?.requests, 2);
  });

  it("knows percentiles to a fifth, from the fastest to the slowest", () => {
    const tally = createTally(() => time);
    for (const [times, duration] of [
      [980, 0.3],
      [15, 40],
      [5, 12_000],
    ] as const) {
      for (let at = 0; at < times; at++) tally.count(answered(duration));
    }
    time += SLOT_MS;
    const { p50, p99 } = read(tally);
    assert.ok(Math.abs((p50 ?? 0) / 0.3 - 1) < 0.2, String(p50));
    assert.ok(Math.abs((p99 ?? 0) / 40 - 1) < 0.2, String(p99));
    tally.count(answered(0));
    tally.count(answered(1e9));
    assert.equal(read(tally).total, 1002);
  });

  it("groups failures by code, origin, endpoint and pattern, with the newest request", () => {
    const tally = createTally(() => time);
    const attempt = (key: string) =>
      tally.count({
        kind: "attempt",
        attempt: { origin: "site", asset: { path: "x" }, context: { key } },
        outcome: "failed",
        error: { code: "ECONNREFUSED", message: "down" },
      } as unknown as Report);
    attempt("k1");
    for (let number = 1; number <= 7; number++) {
      time++;
      tally.count(failed("ECONNREFUSED", `shoes/${number}/a.jpg`, { key: "k1", reply: { status: 404 } }));
    }
    tally.count(failed("EINTERNAL", "shoes/8/a.jpg"));
    tally.count(failed("EINVAL", "shoes/8/a.jpg", { reply: { status: 400 } }));
    const groups = failuresOf(snapshots(tally));
    assert.deepEqual(
      groups.map(({ code, origin, pattern, times, isOurs }) => [code, origin, pattern, times, isOurs]).sort(),
      [
        ["ECONNREFUSED", "site", "shoes/*/*.jpg", 7, true],
        ["EINTERNAL", undefined, "shoes/*/*.jpg", 1, true],
        ["EINVAL", undefined, "shoes/*/*.jpg", 1, false],
      ],
    );
    const [group] = groups.filter(({ times }) => times === 7);
    assert.deepEqual([group?.url, group?.last, group?.first], ["/shoes/7/a.jpg?ik-s=***", time, time - 6]);
    const message = "received 'http://user:secret@host/a?sig=secret&b=1'";
    const error = { code: "EINVAL", message, status: 400, outage: false };
    tally.count(failed("EINVAL", "b.png", { error, reply: { status: 400 } }));
    const masked = failuresOf(snapshots(tally)).map((one) => one.message);
    assert(masked.includes("received 'http://***@host/a?sig=***&b=1'"), masked.join("\n"));
    time += SLOT_MS;
    assert.equal(read(tally).errors, 8);
    assert.deepEqual(tally.snapshot().origins, { site: { asked: 1, failed: 1 } });
  });

  it("keeps the last groups and requests only, however many there are", () => {
    const tally = createTally(() => time);
    for (let number = 0; number < 500; number++) {
      time++;
      const letters = String.fromCharCode(97 + (number % 26), 97 + Math.floor(number / 26));
      tally.count(failed("EINTERNAL", `${letters}x/a.jpg`));
    }
    const groups = failuresOf(snapshots(tally));
    assert.equal(groups.length, 200);
    assert.equal(groups[0]?.last, time);
    assert.equal(recentOf(snapshots(tally)).length, 30);
    assert.equal(recentOf(snapshots(tally))[0]?.time, time);
  });

  it("adds up what several processes have counted, for each account on its own", () => {
    const [one, two] = [createTally(() => time), createTally(() => time)];
    for (const tally of [one, two]) {
      for (let times = 0; times < 5; times++) tally.count(answered(1));
      tally.count(failed("EINTERNAL", "a/b.jpg"));
      tally.count(answered(1, { endpoint: { tenant: "shop", name: "default" } }));
    }
    time += SLOT_MS;
    const own = [one, two].flatMap((tally) => tally.snapshot().tenants[""] ?? []);
    const now = summarize(own, time);
    assert.deepEqual([now.total, now.requests, now.errors], [12, 12, 2]);
    assert.deepEqual(now.caches, { "cache-memory": 10 });
    const [group, ...more] = failuresOf(own);
    assert.deepEqual([group?.times, more.length], [2, 0]);
    assert.equal(summarize(snapshots(one, two), time).total, 14);
  });

  it("counts failures of origins and of the server, and no error of a client", () => {
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
      tally.count(
        failed(code, "a.jpg", {
          error: { code, message: code, status, outage: false, ...more },
          reply: { status },
        }),
      );
    }
    time += SLOT_MS;
    assert.deepEqual([read(tally).errors, read(tally).errorRatio], [6, 0.6]);
    assert.deepEqual([read(tally).refused, read(tally).refusedRatio], [10, 1]);
  });

  it("counts an error that a cache knows as an error, not as a hit", () => {
    const tally = createTally(() => time);
    tally.count(failed("ENOENT", "a.jpg", { cache: { hit: true, cache: "" }, reply: { status: 404 } }));
    tally.count(answered(1));
    time += SLOT_MS;
    const { hitRatio, caches, refused } = read(tally);
    assert.deepEqual([hitRatio, caches, refused], [0.5, { "cache-memory": 1 }, 1]);
  });

  it("keeps failures apart whose messages differ in more than values", () => {
    const tallies = [createTally(() => time), createTally(() => time)];
    for (const tally of tallies) {
      for (const message of [
        "Expected positive integer for w but received 'abc'",
        "Expected positive integer for w but received 'x1'",
        "Expected positive integer for h but received 'abc'",
      ]) {
        const error = { code: "EINVAL", message, status: 400, outage: false };
        tally.count(failed("EINVAL", "a.png", { error, reply: { status: 400 } }));
      }
    }
    const groups = failuresOf(snapshots(...tallies)).map(({ message, times }) => [message, times]);
    assert.deepEqual(groups.sort(), [
      ["Expected positive integer for h but received 'abc'", 2],
      ["Expected positive integer for w but received 'x1'", 4],
    ]);
  });

  it("finds what paths have in common", () => {
    for (const [path, pattern] of [
      ["IMG_0042.JPG", "*.jpg"],
      ["products/4711/front.png", "products/*/*.png"],
      ["2026/11/30/a.webp", "*/*/*/*.webp"],
      ["u/550e8400-e29b-41d4-a716-446655440000/avatar", "u/*/*"],
      ["a/b/c/d/e/f/g.jpg", "a/b/c/d/…/*.jpg"],
      ["", "*"],
    ] as const) {
      assert.equal(patternOf(path), pattern);
    }
    fc.assert(fc.property(fc.string({ unit: "binary" }), (path) => patternOf(path).split("/").length <= 6));
  });
});
