import assert from "node:assert/strict";
import fc from "fast-check";
import { metadataOf } from "../../../src/origin/reader/metadata.ts";

const HOUR = 3_600_000;
const of = (headers: Record<string, string>) => metadataOf(headers, undefined);

describe("a file's metadata from an origin's headers", () => {
  it("is its age: the first of several, none where it is no number", () => {
    for (const [age, seconds] of [
      ["7200", 7200],
      ["7200, 0", 7200],
      ["7200,0", 7200],
      [" 7200 , 0", 7200],
      ["99999999999", 2 ** 31],
      ["9".repeat(400), 2 ** 31],
      ["0, 7200", undefined],
      ["0", undefined],
      ["7200a", undefined],
      ["7200.0", undefined],
      ["-7200", undefined],
      ["abc", undefined],
      ["", undefined],
    ] as const)
      assert.equal(of({ age }).age, seconds && seconds * 1000, age);
  });

  it("is the age that its Date shows, if that is more, with some tolerance for clocks", () => {
    const ago = (seconds: number) => new Date(Date.now() - seconds * 1000).toUTCString();
    const seconds = (headers: Record<string, string>) => Math.round((of(headers).age ?? 0) / 1000);
    assert.equal(of({ date: ago(0) }).age, undefined);
    assert.equal(of({ date: ago(5) }).age, undefined);
    assert.equal(of({ date: ago(-3600) }).age, undefined);
    assert.equal(of({ date: ago(-3600), age: "7" }).age, 7000);
    for (const headers of [{ date: ago(3600) }, { date: ago(3600), age: "5" }]) {
      assert(Math.abs(seconds(headers) - 3600) < 60, JSON.stringify(headers));
    }
    assert.equal(seconds({ date: ago(3600), age: "7200" }), 7200);
  });

  it("is the time to its Expires by the origin's clock, at most a year", () => {
    const date = "Tue, 01 Jan 2030 00:00:00 GMT";
    for (const [expires, milliseconds] of [
      ["Tue, 01 Jan 2030 01:00:00 GMT", HOUR],
      ["Tuesday, 01-Jan-30 01:00:00 GMT", HOUR],
      ["Tue Jan  1 01:00:00 2030", HOUR],
      ["Mon, 31 Dec 2029 23:00:00 GMT", 0],
      ["Tue, 01 Jan 2999 00:00:00 GMT", 365 * 24 * HOUR],
      ["Tue, 01 Jan 2030 1:00:00 GMT", 0],
      ["0", 0],
      ["", 0],
    ] as const)
      assert.equal(of({ expires, date }).expiresIn, milliseconds, expires);
    assert.equal(of({ date }).expiresIn, undefined);
    // Without a date of the origin's our own clock counts.
    for (const date of ["nonsense", ""]) {
      const expires = new Date(Date.now() + HOUR).toUTCString();
      const { expiresIn = 0 } = of({ expires, date });
      assert(expiresIn > HOUR - 60_000 && expiresIn <= HOUR, String(expiresIn));
    }
  });

  it("is not storable if a star is a member of Vary", () => {
    for (const vary of ["*", "Foo, *", "*, Foo", "a,*,b", " * "])
      assert.equal(of({ vary, "cache-control": "max-age=5" }).cacheControl, "max-age=5, no-store", vary);
    for (const vary of ["", "Foo", "a*, *b", "Accept, Accept-Encoding"])
      assert.equal(of({ vary, "cache-control": "max-age=5" }).cacheControl, "max-age=5", vary);
  });

  it("is a time of zero or more, whatever they are", () => {
    const text = fc.string({ maxLength: 40, unit: "binary" });
    fc.assert(
      fc.property(text, text, text, text, (age, expires, date, vary) => {
        const metadata = of({ age, expires, date, vary, "last-modified": date });
        for (const time of [metadata.age ?? 0, metadata.expiresIn ?? 0])
          assert(Number.isFinite(time) && time >= 0);
        assert(metadata.lastModified === undefined || Number.isFinite(metadata.lastModified));
      }),
    );
  });
});
