import assert from "node:assert/strict";
import fc from "fast-check";
import { createRateLimiter } from "../../src/util/rate-limiter.ts";

function limiter(maxKeys?: number) {
  let now = 0;
  const rates = createRateLimiter({ monotonic: () => now }, { ...(maxKeys !== undefined && { maxKeys }) });
  return {
    take: (perMinute: number, key = "a") => rates.take(key, perMinute),
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

describe("a rate limiter", () => {
  it("allows a minute's worth at once, and then one per interval", () => {
    const { take, pass } = limiter();
    assert.deepEqual([take(3), take(3), take(3)], [0, 0, 0]);
    assert.equal(take(3), 20_000);
    pass(19_999);
    assert.equal(take(3), 1);
    pass(1);
    assert.equal(take(3), 0);
    assert.equal(take(3), 20_000);
    pass(60_000);
    assert.deepEqual([take(3), take(3), take(3), take(3)], [0, 0, 0, 20_000]);
  });

  it("counts each key for itself, and keeps a bounded number of keys", () => {
    const { take } = limiter(2);
    assert.equal(take(1, "a"), 0);
    assert.equal(take(1, "b"), 0);
    assert.equal(take(1, "a"), 60_000);
    assert.equal(take(1, "c"), 0);
    assert.equal(take(1, "a"), 60_000);
    assert.equal(take(1, "b"), 0);
  });

  it("never allows more than the rate and a minute's worth, and always what it has promised", () => {
    const rate = fc.integer({ min: 1, max: 5_000 });
    const pauses = fc.array(fc.nat({ max: 20_000 }), { maxLength: 200 });
    fc.assert(
      fc.property(rate, pauses, (perMinute, pauses) => {
        const { take, pass } = limiter();
        let [taken, passed] = [0, 0];
        for (const pause of pauses) {
          pass(pause);
          passed += pause;
          const wait = take(perMinute);
          if (wait === 0) taken++;
          else {
            pass(wait);
            passed += wait;
            assert.equal(take(perMinute), 0);
            taken++;
          }
          assert.ok(taken <= perMinute + (passed / 60_000) * perMinute + 1e-3);
        }
      }),
    );
  });
});
