import assert from "node:assert/strict";
import type { Lock, Locks } from "../../../src/plugin/locks.ts";
import { createLockCoalescer } from "../../../src/work/coalesce/locks.ts";

describe("coalescing among processes", () => {
  const handover = {
    encode: (result: string) => (result === "large" ? undefined : `of ${result}`),
    encodeFailure: (error: unknown) => ((error as Error).message === "own" ? undefined : "failed"),
    decode(outcome: string) {
      if (outcome === "failed") throw new Error("elsewhere");
      return outcome === "gone" ? undefined : outcome;
    },
  };

  /** What a process gets instead of the lock, and what it releases the lock with. */
  async function run(acquired: Awaited<ReturnType<Locks["acquire"]>> | "lock", work: () => Promise<string>) {
    const released: (string | undefined)[] = [];
    const lock: Lock = { release: (outcome) => released.push(outcome) };
    const locks: Locks = { acquire: async () => (acquired === "lock" ? lock : acquired) };
    const { signal } = new AbortController();
    const result = await createLockCoalescer(locks, handover)
      .run("a", { signal }, work)
      .catch((error: Error) => `threw ${error.message}`);
    return { result, released };
  }

  it("hands over the result of the process that has the lock", async () => {
    assert.deepEqual(await run("lock", async () => "here"), { result: "here", released: ["of here"] });
    assert.deepEqual(await run("lock", async () => "large"), { result: "large", released: [undefined] });
  });

  it("hands over its failure, unless another process would not meet it", async () => {
    const fail = (message: string) => () => Promise.reject(new Error(message));
    assert.deepEqual(await run("lock", fail("any")), { result: "threw any", released: ["failed"] });
    assert.deepEqual(await run("lock", fail("own")), { result: "threw own", released: [undefined] });
  });

  it("takes the outcome of another process, and does the work if there is none", async () => {
    const here = async () => "here";
    assert.equal((await run({ outcome: "there" }, here)).result, "there");
    assert.equal((await run({ outcome: "failed" }, here)).result, "threw elsewhere");
    assert.equal((await run({ outcome: "gone" }, here)).result, "here");
    assert.equal((await run(undefined, here)).result, "here");
  });
});
