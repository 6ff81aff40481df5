import assert from "node:assert/strict";
import { withTimeout } from "../../src/util/timeout.ts";

describe("a wait for work", () => {
  const never = () => new Promise<string>(() => undefined);

  it("ends with the reason of its signal", async () => {
    const leaving = new AbortController();
    const wait = withTimeout(5, never(), { signal: leaving.signal });
    leaving.abort("left");
    await assert.rejects(wait, (reason) => reason === "left");
    const early = withTimeout(1, never(), { signal: AbortSignal.abort("early") });
    await assert.rejects(early, (reason) => reason === "early");
  });

  it("ends by `onTimeout` if it takes too long", async () => {
    assert.equal(await withTimeout(1, never(), { onTimeout: () => "late" }), "late");
    await assert.rejects(withTimeout(1, never(), { message: "it is slow" }), {
      code: "ETIMEDOUT",
      message: "it is slow",
    });
    const onTimeout = () => {
      throw new Error("own");
    };
    await assert.rejects(withTimeout(1, never(), { onTimeout }), { message: "own" });
  });
});
