import assert from "node:assert/strict";
import fc from "fast-check";
import { parseHttpDate } from "../../src/model/http-date.ts";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/** Whole seconds between two dates, as milliseconds since 1970. */
const moments = (from: string, to: string) =>
  fc.integer({ min: Date.parse(from) / 1000, max: Date.parse(to) / 1000 }).map((seconds) => seconds * 1000);

/** The parts of `Sun, 06 Nov 1994 08:49:37 GMT`. */
const partsOf = (time: number) => {
  const [, day = "", month = "", year = "", clock = ""] = new Date(time).toUTCString().split(" ");
  return { weekday: DAYS[new Date(time).getUTCDay()] as string, day, month, year, clock };
};

describe("HTTP dates", () => {
  const EXAMPLE = Date.UTC(1994, 10, 6, 8, 49, 37);

  it("are read in the three forms of RFC 9110", () => {
    for (const text of [
      "Sun, 06 Nov 1994 08:49:37 GMT",
      "Sunday, 06-Nov-94 08:49:37 GMT",
      "Sun Nov  6 08:49:37 1994",
      " sun, 06 NOV 1994 08:49:37 gmt ",
    ])
      assert.equal(parseHttpDate(text, Date.UTC(2026, 1)), EXAMPLE, text);
  });

  it("are what was written, whatever the moment", () => {
    fc.assert(
      fc.property(moments("1000-01-01", "9999-12-31"), (time) => {
        const { weekday, day, month, year, clock } = partsOf(time);
        assert.equal(parseHttpDate(new Date(time).toUTCString()), time);
        const padded = String(Number(day)).padStart(2, " ");
        assert.equal(parseHttpDate(`${weekday.slice(0, 3)} ${month} ${padded} ${clock} ${year}`), time);
      }),
    );
  });

  it("of two digits for the year are at most 50 years ahead", () => {
    fc.assert(
      fc.property(moments("1980-01-01", "2070-01-01"), fc.integer({ min: -49, max: 50 }), (now, years) => {
        const time = Date.UTC(new Date(now).getUTCFullYear() + years, 5, 15, 12);
        const { weekday, day, month, year, clock } = partsOf(time);
        assert.equal(parseHttpDate(`${weekday}, ${day}-${month}-${year.slice(2)} ${clock} GMT`, now), time);
      }),
    );
  });

  it("are nothing else", () => {
    for (const text of [
      "",
      "0",
      "-1",
      "soon",
      "1994-11-06T08:49:37Z",
      "Thu, 18 Aug 2050 2:01:18 GMT",
      "Thu, 18 Aug 2050 02:01:18 UTC",
      "Thu, 18 Aug 2050 02:01:18 +0000",
      "Thu, 18 Aug 2050 02:01:18",
      "Thu, 18 Aug 50 02:01:18 GMT",
      "Thu 18 Aug 2050 02:01:18 GMT",
      "Thu, 18  Aug  2050 02:01:18 GMT",
      "Thu, 18-Aug-2050 02:01:18 GMT",
      "Thu, 18 Aug 2050 02.01.18 GMT",
      "Thu, 8 Aug 2050 02:01:18 GMT",
      "Thu, 18 Abc 2050 02:01:18 GMT",
      "Xyz, 18 Aug 2050 02:01:18 GMT",
      "Thu, 31 Feb 2050 02:01:18 GMT",
      "Thu, 00 Aug 2050 02:01:18 GMT",
      "Thu, 18 Aug 2050 24:00:00 GMT",
      "Thu, 18 Aug 2050 02:60:00 GMT",
      "Thu, 18 Aug 2050 02:01:18 GMT, Fri, 19 Aug 2050 02:01:18 GMT",
    ])
      assert.equal(parseHttpDate(text), undefined, text);
  });

  it("are read whatever the text is", () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60, unit: "binary" }), (text) => {
        const date = parseHttpDate(text);
        assert(date === undefined || Number.isFinite(date));
      }),
    );
  });
});
