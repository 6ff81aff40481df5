import assert from "node:assert/strict";
import { createCacheBreaker } from "../../src/cache/breaker.ts";
import { codeOf } from "../../src/model/errors.ts";
import { withTimeout } from "../../src/util/timeout.ts";

const REST = 30;

describe("the breaker of a cache", () => {
  let time: number;
  let said: string[];
  let breaker: ReturnType<typeof createCacheBreaker>;
  beforeEach(() => {
    time = 0;
    said = [];
    breaker = createCacheBreaker({
      rest: REST,
      now: () => time,
      onFailure: (error) => said.push((error as Error).message),
      onRecovery: () => said.push("again"),
    });
  });
  const fail = () => breaker.run(() => Promise.reject(new Error("no luck")));
  const work = () => breaker.run(async () => "done");

  it("lets work through, and takes failures for no result", async () => {
    assert.equal(await work(), "done");
    assert.equal(await fail(), undefined);
    assert.equal(await work(), "done");
    assert.deepEqual(said, []);
  });

  it("leaves work out after three failures in a row, and logs that once", async () => {
    for (let i = 0; i < 5; i++) await fail();
    assert.equal(await work(), undefined);
    assert.deepEqual(said, ["no luck"]);
  });

  it("does not count failures with successes between them", async () => {
    for (let i = 0; i < 5; i++) {
      await fail();
      await fail();
      assert.equal(await work(), "done");
    }
  });

  it("lets one try when the rest is over, which decides", async () => {
    for (let i = 0; i < 3; i++) await fail();
    time += REST;
    const release = Promise.withResolvers<string>();
    const probe = breaker.run(() => release.promise);
    assert.equal(await work(), undefined, "the others wait for none");
    release.reject(new Error("still not"));
    assert.equal(await probe, undefined);
    assert.equal(await work(), undefined);
    time += REST;
    assert.equal(await work(), "done");
    assert.equal(await work(), "done");
    assert.deepEqual(said, ["no luck", "again"]);
  });

  it("bounds the time of work", async () => {
    await assert.rejects(
      withTimeout(5, new Promise(() => undefined)),
      (error) => codeOf(error) === "ETIMEDOUT",
    );
    await assert.rejects(withTimeout(60_000, Promise.reject(new Error("x"))), /x/);
    assert.equal(await withTimeout(60_000, Promise.resolve(5)), 5);
  });
});
