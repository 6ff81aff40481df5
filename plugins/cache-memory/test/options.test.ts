import assert from "node:assert/strict";
import { MediaError } from "@mediatap/core";
import { cacheMemory } from "../src/index.ts";

describe("cacheMemory", () => {
  for (const [options, message] of [
    [{ maxByte: 5 }, 'cache-memory.maxByte: unknown field, did you mean "maxBytes"?'],
    [{ maxBytes: 0 }, "cache-memory.maxBytes: Expected number of more than 0 but received 0"],
    [
      { maxBytes: "1GB" },
      "cache-memory.maxBytes: Expected number but received '1GB': sizes are in bytes, write 1000000000",
    ],
    [{ maxRecords: 1.5 }, "cache-memory.maxRecords: Expected integer but received 1.5"],
  ] as const) {
    it(`refuses what it does not understand: ${message}`, () => {
      assert.throws(() => cacheMemory(options as never), new MediaError("ECONFIG", message));
    });
  }
});
