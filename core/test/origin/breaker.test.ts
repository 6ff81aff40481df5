import assert from "node:assert/strict";
import { MediaError } from "../../src/model/errors.ts";
import { DEFAULT_LIMITS } from "../../src/model/limits.ts";
import { createOriginBreaker } from "../../src/origin/breakers.ts";
import type { BreakerChange } from "../../src/util/breaker.ts";

const limits = { ...DEFAULT_LIMITS, breakerFailures: 3 };
const unreached = () => new MediaError("ECONNREFUSED", "down", { outage: true });
const broken = () => new MediaError("UNIDENTIFIED", "status 500", { outage: true });
const fail = (error: Error) => () => Promise.reject(error);

/** The same numbers from 0 to 1 in each run. */
function seeded(seed = 1): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("the circuit breaker of an origin", () => {
  let time: number;
  let asked: number;
  let changes: BreakerChange<MediaError>[];
  const breaker = () => {
    time = 0;
    asked = 0;
    changes = [];
    return createOriginBreaker(limits, {
      now: () => time,
      random: seeded(),
      onChange: (change) => changes.push(change),
    });
  };
  const asking = (answer: () => unknown) => async () => {
    asked++;
    return answer();
  };
  const opened = async () => {
    const circuit = breaker();
    for (let i = 0; i < 3; i++) await assert.rejects(circuit.run(asking(fail(unreached()))));
    assert.equal(circuit.state, "open");
    asked = 0;
    return circuit;
  };

  describe("opens", () => {
    it("after some failed connections in a row, and throws the same error", async () => {
      const { run } = breaker();
      for (let i = 0; i < 5; i++)
        await assert.rejects(run(asking(fail(unreached()))), { code: "ECONNREFUSED" });
      assert.equal(asked, 3);
      assert.deepEqual(
        changes.map((change) => change.state === "open" && [change.error.code, change.milliseconds]),
        [["ECONNREFUSED", 5_000]],
      );
    });

    it("not while a response of any kind comes between them", async () => {
      const circuit = breaker();
      const answers = [() => undefined, fail(new MediaError("EACCES", "denied")), fail(broken())];
      for (let i = 0; i < 12; i++) {
        await circuit
          .run(asking(i % 3 === 2 ? (answers[((i / 3) % 3) | 0] as never) : fail(unreached())))
          .catch(() => {});
        time += 2_000;
      }
      assert.equal(asked, 12);
    });

    it("where more than 80 % of at least ten requests within ten seconds failed", async () => {
      const circuit = breaker();
      for (let i = 0; i < 9; i++) await assert.rejects(circuit.run(asking(fail(broken()))));
      assert.equal(circuit.state, "closed");
      await assert.rejects(circuit.run(asking(fail(broken()))));
      assert.equal(circuit.state, "open");
      await assert.rejects(circuit.run(asking(fail(broken()))), {
        code: "UNIDENTIFIED",
        message: "status 500",
      });
      assert.equal(asked, 10);
    });

    it("not where 80 % failed, or where the failures lie further apart", async () => {
      const often = breaker();
      for (let i = 0; i < 100; i++)
        await often.run(asking(i % 5 === 0 ? () => "fine" : fail(broken()))).catch(() => {});
      assert.equal(asked, 100);
      const seldom = breaker();
      for (let i = 0; i < 100; i++) {
        await assert.rejects(seldom.run(asking(fail(broken()))));
        time += 1_200;
      }
      assert.equal(asked, 100);
    });

    it("hardly ever for an origin that fails half of the requests at random", async () => {
      const circuit = breaker();
      const random = seeded(7);
      let skipped = 0;
      for (let i = 0; i < 20_000; i++) {
        const before = asked;
        await circuit.run(asking(random() < 0.5 ? fail(broken()) : () => "fine")).catch(() => {});
        if (asked === before) skipped++;
        time += 50;
      }
      assert(skipped < 20_000 * 0.01, `${skipped} were skipped`);
    });

    it("not for one refusal, however long the origin wants to be left alone", async () => {
      const circuit = breaker();
      const refusal = new MediaError("UNIDENTIFIED", "status 429", {
        outage: true,
        retryAfterSeconds: 3_600,
      });
      await assert.rejects(circuit.run(asking(fail(refusal))));
      assert.equal(circuit.state, "closed");
    });

    it("for truncated bodies, whatever their status", async () => {
      const circuit = breaker();
      const begin = () =>
        circuit.run(
          asking(() => "begun"),
          () => false,
        );
      for (let i = 0; i < 30; i++) {
        await begin();
        if (i % 2) circuit.worked();
        else circuit.failed(broken());
      }
      assert.equal(circuit.state, "closed");
      for (let i = 0; i < 200 && circuit.state === "closed"; i++) {
        await begin();
        circuit.failed(broken());
      }
      assert.equal(circuit.state, "open");
    });
  });

  describe("half-opens after a while", () => {
    it("for one probe at a time until one gets a response", async () => {
      const circuit = await opened();
      time += 5_001;
      assert.equal(circuit.state, "half-open");
      const { promise, resolve } = Promise.withResolvers<string>();
      const probe = circuit.run(() => promise);
      for (let i = 0; i < 20; i++)
        await assert.rejects(circuit.run(asking(() => "second")), { code: "ECONNREFUSED" });
      resolve("fine");
      assert.equal(await probe, "fine");
      assert.equal(circuit.state, "half-open");
    });

    it("for a part of the requests that doubles with each response, up to all", async () => {
      const circuit = await opened();
      time += 5_001;
      const shares: number[] = [];
      for (let answered = 1; answered <= 3; answered++) {
        await circuit.run(asking(() => "fine"));
        // One is under way all the time, so that chance alone decides of the others.
        const { promise, resolve } = Promise.withResolvers<void>();
        const held = circuit.run(async () => {
          await promise;
          throw new Error("aborted");
        });
        const tries = await Promise.allSettled(
          Array.from({ length: 1_000 }, () => circuit.run(() => Promise.reject(new Error("aborted")))),
        );
        shares.push(
          tries.filter((tried) => tried.status === "rejected" && String(tried.reason).includes("aborted"))
            .length / 1_000,
        );
        resolve();
        await assert.rejects(held);
      }
      for (const [at, wanted] of [0.125, 0.25, 0.5].entries()) {
        assert(Math.abs((shares[at] as number) - wanted) < 0.06, `${shares}`);
      }
      await circuit.run(asking(() => "fine"));
      assert.equal(circuit.state, "closed");
      assert.deepEqual(changes.at(-1), { state: "closed" });
    });

    it("and opens again where its probes fail", async () => {
      const circuit = await opened();
      time += 5_001;
      for (let i = 0; i < 5; i++) await assert.rejects(circuit.run(asking(fail(unreached()))));
      assert.equal(asked, 3);
      assert.equal(circuit.state, "open");
      time += 5_001;
      assert.equal(circuit.state, "half-open");
      // It was open all the time, as far as the log is concerned.
      assert.equal(changes.length, 1);
    });

    it("and closes for an origin that fails half of the requests", async () => {
      for (let seed = 1; seed <= 50; seed++) {
        const circuit = await opened();
        const random = seeded(seed);
        let rounds = 0;
        for (; circuit.state !== "closed" && rounds < 10; rounds++) {
          time += 5_001;
          for (let i = 0; i < 100 && circuit.state === "half-open"; i++) {
            await circuit.run(asking(random() < 0.5 ? fail(broken()) : () => "fine")).catch(() => {});
          }
        }
        assert(rounds <= 5, `seed ${seed}: ${rounds} rounds`);
      }
    });

    it("and frees the slot of a probe that was cancelled", async () => {
      const circuit = await opened();
      time += 5_001;
      await assert.rejects(circuit.run(asking(fail(new Error("aborted")))));
      assert.equal(await circuit.run(asking(() => "fine")), "fine");
    });

    it("not by what was begun before it opened", async () => {
      const circuit = breaker();
      const late = Promise.withResolvers<string>();
      const before = circuit.run(() => late.promise);
      for (let i = 0; i < 3; i++) await assert.rejects(circuit.run(asking(fail(unreached()))));
      circuit.worked();
      late.resolve("fine");
      await before;
      assert.equal(circuit.state, "open");
    });
  });

  it("takes missing and denied files for signs of life", async () => {
    const circuit = breaker();
    for (let i = 0; i < 30; i++) {
      await assert.rejects(circuit.run(asking(fail(new MediaError("EACCES", "denied")))));
      await circuit.run(asking(() => undefined));
    }
    assert.equal(circuit.state, "closed");
  });
});
