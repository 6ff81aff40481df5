import assert from "node:assert/strict";
import { shareRedis } from "../src/index.ts";

describe("share-redis: options", () => {
  it("are checked, by name", () => {
    for (const [options, message] of [
      [{}, /redis/],
      [{ redis: "" }, /redis/],
      [{ redis: "redis://a", expiry: 5 }, /expiry/],
      [{ redis: "redis://a", patience: 0 }, /patience/],
      [{ redis: "redis://a", timout: 5 }, /timout/],
    ] as const) {
      assert.throws(() => shareRedis(options as never), message);
    }
    assert.equal(shareRedis({ redis: "redis://a" }).name, "share-redis");
  });
});
