import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { bodyOf, isOnlyConfirmed, type RenditionRecord } from "@mediatap/core";
import { newRecord } from "@mediatap/test";

describe("what a cache has already", () => {
  const record = newRecord();
  const body = bodyOf(Buffer.from("bytes"), (bytes) => Readable.from([bytes]));
  const known = { record, freshUntil: record.freshUntil, hasBody: true };
  const later = (milliseconds: number, more: Partial<RenditionRecord> = {}) => ({
    ...record,
    stored: record.stored + milliseconds,
    freshUntil: record.freshUntil + milliseconds,
    ...more,
  });

  it("is only confirmed by the same record of a little later, with its body or without", () => {
    assert.equal(isOnlyConfirmed(known, later(30_000), undefined), true);
    assert.equal(isOnlyConfirmed(known, later(30_000), body), true);
  });

  it("is written again where it is fresh for much longer, counted from when it was written", () => {
    assert.equal(isOnlyConfirmed(known, later(90_000), undefined), false);
    const confirmed = { ...known, record: later(50_000) };
    assert.equal(isOnlyConfirmed(confirmed, later(90_000), undefined), false);
  });

  it("is written again where it is fresh for much shorter: an origin or a clock has changed", () => {
    assert.equal(isOnlyConfirmed(known, later(-30_000), undefined), true);
    assert.equal(isOnlyConfirmed(known, later(-90_000), undefined), false);
  });

  it("is written again where it is unknown, another one, or lacks the body", () => {
    assert.equal(isOnlyConfirmed(undefined, later(1), body), false);
    assert.equal(isOnlyConfirmed(known, later(1, { etag: '"other"' }), body), false);
    assert.equal(isOnlyConfirmed({ ...known, hasBody: false }, later(1), body), false);
  });

  it("is written again where no entity tag tells one from another", () => {
    const { etag: _, ...bare } = record;
    assert.equal(isOnlyConfirmed({ ...known, record: bare }, { ...bare }, undefined), false);
  });
});
