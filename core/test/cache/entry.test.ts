import assert from "node:assert/strict";
import { errorLifetime, etagOf, jobTag, lastModifiedOf, sourceTag, tagsOf } from "../../src/cache/entry.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import { MediaError } from "../../src/model/errors.ts";
import type { Limits } from "../../src/model/limits.ts";
import type { SourceMetadata } from "../../src/model/source.ts";
import { bodyWith } from "./support.ts";

const source = (path: string, more: Partial<SourceMetadata> = {}): SourceMetadata => ({
  origin: "files",
  path,
  fetched: 0,
  ...more,
});
const main = source("a.jpg", { etag: '"1"', size: 9 });
const layer = source("b.png", { lastModified: 5_000 });
const tag = (sources: readonly SourceMetadata[], more: Partial<Parameters<typeof etagOf>[3]> = {}) =>
  etagOf("key", "engines", sources, { original: false, ...more });

describe("the entity tag of a rendition", () => {
  it("depends on key, engines and validators, and not on the time of the fetch", () => {
    assert.match(tag([main]) ?? "", /^"[\w-]{16}\.[\w-]{16}"$/);
    assert.equal(tag([{ ...main, fetched: 99, type: "image/png" }]), tag([main]));
    const others = [
      etagOf("other", "engines", [main], { original: false }),
      etagOf("key", "others", [main], { original: false }),
      tag([{ ...main, etag: '"2"' }]),
      tag([{ ...main, size: 10 }]),
      tag([main], { original: true }),
      tag([main, layer]),
    ];
    assert.equal(new Set([tag([main]), ...others]).size, others.length + 1);
  });

  it("consists of the halves that a condition is compared with", () => {
    assert.equal(tag([main]), `"${jobTag("key", "engines")}.${sourceTag(main)}"`);
    assert.equal(tag([main], { original: true }), `"${jobTag("key", "engines")}.~${sourceTag(main)}"`);
    assert.match(tag([main, layer]) ?? "", /\.\+/);
  });

  it("does not depend on the order in which layers were opened", () => {
    assert.equal(tag([layer, main]), tag([main, layer]));
  });

  it("is made from the bytes without a validator, and is missing without both", () => {
    const plain = source("a.jpg", { size: 9 });
    assert.equal(sourceTag(plain), undefined);
    assert.equal(tag([plain]), undefined);
    assert.equal(tag([main, plain]), undefined);
    assert.equal(tag([plain], { body: bodyWith("x") }), tag([plain], { body: bodyWith("x") }));
    assert.notEqual(tag([plain], { body: bodyWith("x") }), tag([plain], { body: bodyWith("y") }));
  });
});

describe("what an entry takes from its sources", () => {
  it("is the latest modification, unless one is not known", () => {
    assert.equal(lastModifiedOf([layer, { ...layer, lastModified: 7_000 }]), 7_000);
    assert.equal(lastModifiedOf([layer, main]), undefined);
  });

  it("is each tag of endpoint and origins once", () => {
    const endpoint = { tags: ["shop", "a"] } as Partial<Endpoint> as Endpoint;
    const tagged = source("a.jpg", { tags: ["a", "b"] });
    assert.deepEqual(tagsOf(endpoint, [tagged, tagged]), { tags: ["shop", "a", "b"] });
    assert.deepEqual(tagsOf(undefined, [main]), {});
  });
});

describe("the lifetime of a failure", () => {
  const limits = { notFoundLifetime: 1, refusedLifetime: 2, failureLifetime: 3 } as Partial<Limits> as Limits;
  for (const [error, lifetime] of [
    [new MediaError("ENOENT", "missing"), 1],
    [new MediaError("ELIMIT", "too large"), 1],
    [new MediaError("EACCES", "refused"), 2],
    [new MediaError("UNIDENTIFIED", "not an image"), 2],
    [new MediaError("UNIDENTIFIED", "broke off", { outage: true }), 3],
    [new MediaError("ECONNREFUSED", "away", { outage: true }), 3],
    [new MediaError("EBUSY", "busy"), 0],
    [new MediaError("EINVAL", "wrong"), 0],
  ] as const) {
    it(`is ${lifetime} for ${error.code}, ${error.message}`, () => {
      assert.equal(errorLifetime(error, limits), lifetime);
    });
  }
});
