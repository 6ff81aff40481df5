import assert from "node:assert/strict";
import { availableParallelism } from "node:os";
import { until, useUpDescriptors } from "@mediatap/test";
import { inThread } from "../../src/decode/thread.ts";
import type { MediaError } from "../../src/model/errors.ts";
import { DEFAULT_LIMITS, type LimitName } from "../../src/model/limits.ts";
import type { Options } from "./thread-program.ts";

const PAGE = 65_536;

interface Bounds {
  readonly signal?: AbortSignal;
  readonly limits?: Partial<Record<LimitName, number>>;
  readonly idleTimeout?: number;
}

const run = (input: Options, { signal = new AbortController().signal, limits, idleTimeout }: Bounds = {}) =>
  inThread<unknown>(
    {
      program: new URL("./thread-program.ts", import.meta.url),
      input,
      memory: 10 * PAGE,
      ...(idleTimeout !== undefined && { idleTimeout }),
    },
    { signal, limits: { ...DEFAULT_LIMITS, ...limits } },
  );

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => "none",
    (error: MediaError) => error.code,
  );

describe("threads for decoders", () => {
  it("hand over what they made", async () => {
    const made = (await run({ does: "draw", size: 5 })) as { file: Uint8Array; size: number };
    assert.equal(made.size, 5);
    assert.equal(made.file.filter((byte) => byte === 7).length >= 75, true);
  });

  it("pass on an error meant for the client", async () => {
    await assert.rejects(run({ does: "fail" }), {
      name: "MediaError",
      code: "EUNSUPPORTED",
      message: "Not this one",
    });
  });

  it("pass on another failure as it is, and a thread that ended", async () => {
    await assert.rejects(run({ does: "break" }), { name: "RangeError", message: "broken" });
    await assert.rejects(run({ does: "leave" }), /The thread ended/);
  });

  it("end with each input, unless their program keeps them", async () => {
    const count = (idleTimeout?: number) =>
      run({ does: "count" }, idleTimeout === undefined ? {} : { idleTimeout });
    assert.deepEqual([await count(), await count()], [1, 1]);
    const kept = { idleTimeout: 60_000 };
    const warnings: Error[] = [];
    const note = (warning: Error) => warnings.push(warning);
    process.on("warning", note);
    try {
      for (let times = 1; times < 20; times++) assert.equal(await run({ does: "count" }, kept), times);
      // An error for the client is a good end, a defect is not.
      assert.equal(await codeOf(run({ does: "fail" }, kept)), "EUNSUPPORTED");
      assert.equal(await run({ does: "count" }, kept), 21);
      await assert.rejects(run({ does: "break" }, kept), { name: "RangeError" });
      assert.equal(await run({ does: "count" }, kept), 1);
      await assert.rejects(run({ does: "leave" }, kept), /The thread ended/);
      assert.equal(await codeOf(run({ does: "spin" }, { ...kept, limits: { imageWork: 200 } })), "ETIMEDOUT");
      assert.equal(await run({ does: "count" }, { idleTimeout: 1 }), 1);
      assert.deepEqual(warnings, []);
    } finally {
      process.off("warning", note);
    }
    await until(async () => (await count(1)) === 1, "it has ended by itself");
  });

  it("are stopped when no caller waits, with the reason of the signal", async () => {
    const gone = new AbortController();
    const begun = new Int32Array(new SharedArrayBuffer(4));
    const work = run({ does: "spin", begun }, { signal: gone.signal });
    const stopped = assert.rejects(work, /nobody waits/);
    await until(() => Atomics.load(begun, 0) === 1, "the thread works");
    gone.abort(new Error("nobody waits"));
    await stopped;
    await assert.rejects(run({ does: "draw" }, { signal: AbortSignal.abort(new Error("gone")) }), /gone/);
  });

  it("are stopped when their time is over", async () => {
    assert.equal(await codeOf(run({ does: "spin" }, { limits: { imageWork: 200 } })), "ETIMEDOUT");
  });

  it("may grow a WebAssembly memory up to their bound", async () => {
    assert.equal(await run({ does: "grow", size: 9 }), 1);
    assert.equal(await codeOf(run({ does: "grow", size: 10 })), "ELIMIT");
  });

  it("do not take the server along when they fill their heap", async () => {
    assert.equal(await codeOf(run({ does: "hoard" }, { limits: { imageWork: 90_000 } })), "ELIMIT");
  });

  it("are no fault of the file where the machine can start none", async () => {
    const release = useUpDescriptors(0);
    const code = await codeOf(run({ does: "draw", size: 5 })).finally(release);
    assert.equal(code, "EBUSY");
    assert.equal(await codeOf(run({ does: "draw", size: 5 })), "none");
  });

  it("know nothing of the server's environment", async () => {
    assert.deepEqual(await run({ does: "look" }), {});
  });

  it("work as many at a time as there are cores; what waits too long is refused, and places are given back", async () => {
    const stop = new AbortController();
    const all = Array.from({ length: availableParallelism() }, () =>
      codeOf(run({ does: "spin" }, { signal: stop.signal })),
    );
    assert.equal(await codeOf(run({ does: "draw" }, { limits: { queueWait: 50 } })), "EBUSY");
    const leaving = new AbortController();
    const left = run({ does: "draw" }, { signal: leaving.signal });
    leaving.abort(new Error("left the queue"));
    await assert.rejects(left, /left the queue/);
    const next = run({ does: "draw" });
    stop.abort();
    await Promise.all(all);
    assert(await next);
  });
});
