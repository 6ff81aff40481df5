import assert from "node:assert/strict";
import { createIpTest } from "../../src/util/ip-ranges.ts";

describe("addresses and networks", () => {
  for (const text of ["192.0.2.7", "192.0.2.0/24", "::ffff:192.0.2.7", "::ffff:192.0.2.0/120"]) {
    it(`includes an IPv4 address in either form (${text})`, () => {
      const includes = createIpTest([text]);
      assert.deepEqual(["192.0.2.7", "::ffff:192.0.2.7"].map(includes), [true, true]);
      assert.deepEqual(["192.0.3.7", "::ffff:192.0.3.7", "2001:db8::7", "no address"].map(includes), [
        false,
        false,
        false,
        false,
      ]);
    });
  }

  it("includes addresses of IPv6", () => {
    const includes = createIpTest(["2001:db8::/32", "::1"]);
    assert.deepEqual(["2001:db8::7", "::1", "2001:db9::7", "192.0.2.7"].map(includes), [
      true,
      true,
      false,
      false,
    ]);
  });
});
