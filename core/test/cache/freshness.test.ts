import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ageOf,
  cachePolicyOf,
  isFromFuture,
  overdueOf,
  privately,
  servesOnError,
  servesWhileRevalidating,
} from "../../src/cache/freshness.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import type { SourceMetadata } from "../../src/model/source.ts";
import { fakeClock, newMetadata } from "./support.ts";

const HOUR = 3_600_000;
const clock = fakeClock();
const now = clock.now();

const endpoint = (more: Partial<Endpoint> = {}) =>
  ({
    cacheControl: "public, max-age=3600",
    originCacheControl: "follow",
    staleWhileRevalidate: 24 * HOUR,
    staleIfError: 48 * HOUR,
    ...more,
  }) as Endpoint;

const source = (more: Partial<SourceMetadata> = {}): SourceMetadata => ({
  origin: "files",
  path: "a.jpg",
  fetched: now,
  ...more,
});

const policyOf = (sources: Partial<SourceMetadata>[], rules: Partial<Endpoint> = {}) =>
  cachePolicyOf(sources.map(source), endpoint(rules), now);

/** A lifetime is shortened by up to a tenth. */
function assertLifetime(freshUntil: number, expected: number) {
  const lifetime = freshUntil - now;
  assert.ok(lifetime <= expected && lifetime >= Math.floor(expected * 0.9), `${lifetime} of ${expected}`);
}

describe("the lifetime of a rendition", () => {
  for (const [title, sources, rules, expected] of [
    ["the endpoint's without directives of the origin", [{}], {}, HOUR],
    ["max-age of the origin", [{ cacheControl: "max-age=60" }], {}, 60_000],
    ["s-maxage rather than max-age", [{ cacheControl: "max-age=60, s-maxage=30" }], {}, 30_000],
    ["Expires without max-age", [{ expiresIn: 90_000 }], {}, 90_000],
    ["max-age rather than Expires", [{ cacheControl: "max-age=60", expiresIn: 90_000 }], {}, 60_000],
    ["CDN-Cache-Control", [{ cacheControl: "max-age=60", cdnCacheControl: "max-age=20" }], {}, 20_000],
    ["what Age leaves of it", [{ cacheControl: "max-age=60", age: 45_000 }], {}, 15_000],
    ["0 if Age is above it", [{ cacheControl: "max-age=60", age: 61_000 }], {}, 0],
    ["0 for no-cache", [{ cacheControl: "no-cache, max-age=60" }], {}, 0],
    [
      "the shortest of several sources",
      [{ cacheControl: "max-age=60" }, { cacheControl: "max-age=9" }],
      {},
      9_000,
    ],
    [
      "the endpoint's, if that is shorter, with a source without a lifetime",
      [{}, { cacheControl: "max-age=9999999" }],
      {},
      HOUR,
    ],
    [
      "the shortest rest of several sources with an Age",
      [
        { cacheControl: "max-age=60", age: 10_000 },
        { cacheControl: "max-age=9999999", age: 70_000 },
      ],
      {},
      50_000,
    ],
    [
      "the endpoint's, ignoring the origin",
      [{ cacheControl: "max-age=60" }],
      { originCacheControl: "ignore" },
      HOUR,
    ],
    [
      "the endpoint's, if the origin can only restrict",
      [{ cacheControl: "max-age=60" }],
      { originCacheControl: "restrict" },
      HOUR,
    ],
    ["that of a storage which is cheap to ask", [{ freshFor: 1_000 }], {}, 1_000],
    ["not lengthened by such a storage", [{ freshFor: 2 * HOUR }], {}, HOUR],
  ] as const) {
    it(`is ${title}`, () => {
      assertLifetime(policyOf([...sources], rules).fields.freshUntil, expected);
    });
  }

  it("ends now without an endpoint", () => {
    assert.deepEqual(cachePolicyOf([source()], undefined, now), { store: true, fields: { freshUntil: now } });
  });

  it("does not grow with a further source", () => {
    const ages = fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(ages, (seconds) => {
        const { freshUntil } = policyOf(seconds.map((time) => ({ cacheControl: `max-age=${time}` }))).fields;
        assertLifetime(freshUntil, Math.min(...seconds) * 1_000);
      }),
    );
  });
});

describe("the storing of a rendition", () => {
  for (const directive of ["no-store", "private"]) {
    it(`is refused if one source has ${directive}, followed or only restricting`, () => {
      const sources = [{ cacheControl: "max-age=60" }, { cacheControl: directive }];
      assert.equal(policyOf(sources).store, false);
      assert.equal(policyOf(sources, { originCacheControl: "restrict" }).store, false);
      assert.equal(policyOf(sources, { originCacheControl: "ignore" }).store, true);
    });
  }
});

describe("the time for which a stale rendition is served", () => {
  const times = (cacheControl: string) => {
    const { staleFor, errorFor } = policyOf([{ cacheControl }]).fields;
    return [staleFor, errorFor];
  };

  it("is the origin's, and at most the endpoint's", () => {
    assert.deepEqual(times("max-age=60, stale-while-revalidate=5, stale-if-error=6"), [5_000, 6_000]);
    const far = "max-age=60, stale-while-revalidate=9999999, stale-if-error=9999999";
    assert.deepEqual(times(far), [24 * HOUR, 48 * HOUR]);
  });

  it("is 0 for must-revalidate, and for s-maxage without a time of its own", () => {
    assert.deepEqual(times("max-age=60, must-revalidate, stale-while-revalidate=5"), [0, 0]);
    assert.deepEqual(times("s-maxage=60"), [0, 0]);
    assert.deepEqual(times("s-maxage=60, stale-if-error=5"), [0, 5_000]);
  });

  it("is 0 for must-revalidate without a lifetime, if the origin is followed", () => {
    assert.deepEqual(times("must-revalidate"), [0, 0]);
    const { errorFor } = policyOf([{ cacheControl: "must-revalidate" }], {
      originCacheControl: "restrict",
    }).fields;
    assert.equal(errorFor, 48 * HOUR);
  });

  it("is the lifetime of a source that allows no other, of several sources", () => {
    const sources = [
      { cacheControl: "max-age=60" },
      { cacheControl: "max-age=60, stale-while-revalidate=900" },
    ];
    assert.equal(policyOf(sources).fields.staleFor, 60_000);
  });

  it("is 0 in the background for a storage that is cheap to ask", () => {
    assert.equal(policyOf([{ freshFor: 1_000 }]).fields.staleFor, 0);
  });

  it("ends at its last millisecond", () => {
    const record = newMetadata(clock, { freshUntil: now, staleFor: 1_000, errorFor: 2_000 });
    const behind = (at: number) => servesWhileRevalidating(record, endpoint(), now + at);
    assert.deepEqual([-1, 0, 999, 1_000].map(behind), [false, true, true, false]);
    const onError = (at: number) => servesOnError(record, now + at);
    assert.deepEqual([-1, 0, 1_999, 2_000].map(onError), [true, true, true, false]);
    assert.equal(servesWhileRevalidating(record, endpoint({ staleWhileRevalidate: 500 }), now + 500), false);
    assert.equal(servesOnError(newMetadata(clock, { freshUntil: 0 }), now), true);
  });
});

describe("Cache-Control of a rendition", () => {
  const controlOf = (sources: Partial<SourceMetadata>[], rules: Partial<Endpoint> = {}) =>
    policyOf(sources, rules).fields.control;

  it("is the endpoint's if the origin has none, or only one for CDNs", () => {
    assert.equal(controlOf([{}]), undefined);
    assert.equal(controlOf([{ cdnCacheControl: "max-age=60" }]), undefined);
  });

  it("has the strictest directives of all sources", () => {
    assert.equal(controlOf([{ cacheControl: "max-age=60" }]), "public, max-age=60");
    const strict = [{ cacheControl: "max-age=60" }, { cacheControl: "private, max-age=90" }];
    assert.equal(controlOf(strict), "private, max-age=60, must-revalidate");
    assert.equal(controlOf([...strict, { cacheControl: "no-store" }]), "no-store");
    assert.equal(controlOf([{ cacheControl: "no-cache" }]), "public, no-cache, must-revalidate");
  });

  it("is the stricter one of the endpoint's and the origin's, if a source has none", () => {
    const sources = [{}, { cacheControl: "max-age=9999, stale-while-revalidate=5" }];
    assert.equal(controlOf(sources), "public, max-age=3600");
    assert.equal(
      controlOf(sources, { cacheControl: "private, max-age=60" }),
      "private, max-age=60, must-revalidate",
    );
    assert.equal(controlOf(sources, { cacheControl: "no-store" }), "no-store");
  });

  it("has must-revalidate of an origin without a lifetime", () => {
    const sources = [{ cacheControl: "must-revalidate" }];
    assert.equal(controlOf(sources), "public, max-age=3600, must-revalidate");
    assert.equal(controlOf(sources, { cacheControl: "max-age=9, must-revalidate" }), undefined);
    assert.equal(controlOf(sources, { originCacheControl: "restrict" }), undefined);
  });

  it("contains the rest of the lifetime of several sources, counted from now", () => {
    const sources = [
      { cacheControl: "max-age=60, s-maxage=90", age: 10_000 },
      { cacheControl: "max-age=9999999", age: 70_000 },
    ];
    const { control, age } = policyOf(sources).fields;
    assert.deepEqual([control, age], ["public, max-age=50, s-maxage=80", undefined]);
  });

  it("has no directive of the origin that is not known", () => {
    assert.equal(controlOf([{ cacheControl: 'max-age=60, x-host="10.0.0.1"' }]), "public, max-age=60");
  });

  it("is private for private files", () => {
    assert.equal(privately("public, max-age=60"), "private, max-age=60, must-revalidate");
    assert.equal(privately("no-cache"), "private, no-cache, must-revalidate");
    assert.equal(privately("no-store"), "private, no-store");
    const restricted = { originCacheControl: "restrict" } as const;
    assert.equal(
      controlOf([{ cacheControl: "private" }], restricted),
      "private, max-age=3600, must-revalidate",
    );
  });
});

describe("the age of an entry", () => {
  it("counts from the origin's response, in whole seconds", () => {
    const record = newMetadata(clock, { stored: now, age: 5_000 });
    assert.deepEqual(
      [0, 999, 1_000].map((at) => ageOf(record, now + at)),
      [5, 5, 6],
    );
    assert.equal(ageOf(record, now - 60_000), 5);
  });

  it("is unknown if the clock was set back by more than machines differ", () => {
    const record = newMetadata(clock, { stored: now, freshUntil: now + HOUR });
    assert.equal(isFromFuture(record, now - 10_000), false);
    assert.equal(isFromFuture(record, now - 10_001), true);
    assert.equal(overdueOf(record, now - 10_001), 0);
    assert.equal(overdueOf(record, now), -HOUR);
  });
});
