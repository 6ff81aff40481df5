import assert from "node:assert/strict";
import { currentTrace, inTrace, traceHeaders, traceOf } from "../../src/util/trace.ts";

const ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("a trace", () => {
  for (const [header, flags] of [
    [`00-${ID}-${SPAN}-01`, "01"],
    [`00-${ID}-${SPAN}-00`, "00"],
    [`cc-${ID}-${SPAN}-01-what-the-future-brings`, "01"],
  ] as const) {
    it(`is the client's: ${header}`, () => {
      assert.deepEqual(traceOf(header), { id: ID, flags });
    });
  }

  for (const header of [
    undefined,
    "",
    "nonsense",
    `00-${ID}-${SPAN}`,
    `00-${ID}-${SPAN}-01-more`,
    `ff-${ID}-${SPAN}-01`,
    `00-${ID.toUpperCase()}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${ID}-${"0".repeat(16)}-01`,
    `00-${ID}-${SPAN}-01, 00-${ID}-${SPAN}-01`,
    `00-${ID}\r\nx: y-${SPAN}-01`,
  ]) {
    it(`is a new one for ${JSON.stringify(header)}`, () => {
      const [one, two] = [traceOf(header), traceOf(header)];
      assert.match(one.id, /^[0-9a-f]{32}$/);
      assert.notEqual(one.id, ID);
      assert.notEqual(one.id, two.id);
      assert.equal(one.flags, "00");
    });
  }

  it("goes with the work and what it starts, each request under an id of its own", async () => {
    const headers = await inTrace({ id: ID, flags: "01" }, async () => {
      await new Promise(setImmediate);
      return [traceHeaders(), traceHeaders()].map((headers) => headers.traceparent ?? "");
    });
    for (const header of headers) assert.match(header, new RegExp(`^00-${ID}-[0-9a-f]{16}-01$`));
    assert.notEqual(headers[0], headers[1]);
    assert.equal(currentTrace(), undefined);
    assert.match(traceHeaders().traceparent ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
  });

  it("puts requests under the span that a plugin records, and passes on the trace", () => {
    const seen: string[] = [];
    const within = <T>(work: () => T): T => {
      seen.push("in");
      const result = work();
      seen.push("out");
      return result;
    };
    const trace = { id: ID, flags: "01", parent: SPAN, state: "a=b", within };
    assert.deepEqual(inTrace(trace, traceHeaders), { traceparent: `00-${ID}-${SPAN}-01`, tracestate: "a=b" });
    assert.deepEqual(seen, ["in", "out"]);
  });
});
