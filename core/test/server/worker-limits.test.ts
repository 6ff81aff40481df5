import assert from "node:assert/strict";
import { perWorkerMemory } from "../../src/server/worker-limits.ts";

const MB = 1024 * 1024;
const GB = 1024 * MB;

describe("the memory of transforms", () => {
  it("is at most half of the machine's, and leaves room for the processes in a small container", () => {
    assert.equal(perWorkerMemory(0, 1, 24 * GB), 12 * GB);
    assert.equal(perWorkerMemory(0, 1, 512 * MB), 192 * MB);
    assert.equal(perWorkerMemory(0, 1, 256 * MB), 64 * MB);
  });

  it("is divided among workers, each of which takes some itself", () => {
    assert.equal(perWorkerMemory(0, 4, 24 * GB), 3 * GB);
    assert.equal(perWorkerMemory(0, 2, 1 * GB), 256 * MB);
    assert.equal(perWorkerMemory(1 * GB, 4, 24 * GB), 256 * MB);
  });

  it("is as configured, but never more than there is", () => {
    assert.equal(perWorkerMemory(100 * MB, 1, 24 * GB), 100 * MB);
    assert.equal(perWorkerMemory(2 * GB, 1, 512 * MB), 512 * MB);
    // The machine on which this runs.
    assert(perWorkerMemory(0, 1) > 0 && Number.isFinite(perWorkerMemory(0, 1)));
  });
});
