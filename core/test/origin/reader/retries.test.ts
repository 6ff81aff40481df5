import assert from "node:assert/strict";
import fc from "fast-check";
import { createRetries } from "../../../src/origin/reader/retries.ts";

/** The same numbers from 0 to 1 in each run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Requests one after the other to an origin that fails with a probability. */
function simulate(requests: number, failing: number, seed: number) {
  const random = seeded(seed);
  const { begin } = createRetries(2, random);
  let served = 0;
  let sent = 0;
  for (let i = 0; i < requests; i++) {
    const retries = begin();
    for (let repeated = 0; ; repeated++) {
      sent++;
      const worked = random() >= failing;
      if (!worked && retries.pause(repeated) !== undefined && retries.spend()) continue;
      retries.end(worked);
      if (worked) served++;
      break;
    }
  }
  return { served: served / requests, retries: sent - requests };
}

describe("retries", () => {
  it("get responses from an origin that fails half of the requests at random", () => {
    for (let seed = 1; seed <= 100; seed++) {
      const { served, retries } = simulate(1_000, 0.5, seed);
      assert(served > 0.97, `seed ${seed}: ${served}`);
      assert(retries < 1_100, `seed ${seed}: ${retries}`);
    }
  });

  it("are twice at most for an origin that responds to no retry", () => {
    const { begin } = createRetries(2);
    for (let i = 0; i < 5; i++) {
      const retries = begin();
      assert.notEqual(retries.pause(0), undefined);
      assert.notEqual(retries.pause(1), undefined);
      assert.equal(retries.pause(2), undefined);
    }
  });

  it("stay below a tenth of the requests in an outage, beside ten at once", () => {
    fc.assert(
      fc.property(fc.nat(2_000), fc.integer({ min: 1 }), (requests, seed) => {
        const { retries } = simulate(requests, 1, seed);
        assert(retries <= 10 + requests / 10, `${retries} of ${requests}`);
      }),
      { numRuns: 50 },
    );
  });

  it("do not begin without a number", () => {
    assert.equal(createRetries(0).begin().pause(0), undefined);
  });

  it("wait for 50 to 150 ms, then for 100 to 300 ms", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (chance) => {
        const { pause } = createRetries(5, () => chance).begin();
        assert.deepEqual(
          [0, 1, 4].map(pause),
          [1, 2, 2].map((times) => times * (50 + chance * 100)),
        );
      }),
    );
  });
});
