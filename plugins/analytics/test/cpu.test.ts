import assert from "node:assert/strict";
import fc from "fast-check";
import { type Account, createCpuMeter } from "../src/cpu.ts";

interface Counted extends Account {
  cpu: number;
}

function account(work = 0): Counted {
  return {
    work,
    cpu: 0,
    addCpu(milliseconds) {
      this.cpu += milliseconds;
    },
  };
}

function meterOf() {
  const time = { measured: 1_000 };
  return { time, meter: createCpuMeter(() => time.measured) };
}

const total = (accounts: readonly Counted[]) => accounts.reduce((sum, { cpu }) => sum + cpu, 0);

describe("the CPU time of endpoints", () => {
  it("is what was measured since the last time, divided by the cost of the work that has ended", () => {
    const { time, meter } = meterOf();
    const accounts = [account(30), account(10), account(0)];
    time.measured += 80;
    meter.settle(accounts, true);
    assert.deepEqual(
      accounts.map(({ cpu, work }) => [cpu, work]),
      [
        [60, 0],
        [20, 0],
        [0, 0],
      ],
    );
  });

  it("leaves the time of work in progress to that work", () => {
    const { time, meter } = meterOf();
    const [image, video] = [account(10), account()];
    // A video is being encoded beside it.
    time.measured += 1_010;
    meter.settle([image, video], false);
    assert.equal(image.cpu, 10);
    time.measured += 1_000;
    video.work = 500;
    meter.settle([image, video], true);
    assert.deepEqual([image.cpu, video.cpu], [10, 2_000]);
  });

  it("is nobody's if no work has ended and none is in progress", () => {
    const { time, meter } = meterOf();
    const one = account();
    time.measured += 50;
    meter.settle([one], true);
    one.work = 5;
    time.measured += 4;
    meter.settle([one], true);
    assert.equal(one.cpu, 4);
  });

  it("is never more than was measured, and all of it once the server is idle", () => {
    const round = fc.record({
      measured: fc.nat(10_000),
      work: fc.array(fc.nat(10_000), { minLength: 3, maxLength: 3 }),
      isIdle: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(round, { maxLength: 150 }), (rounds) => {
        const { time, meter } = meterOf();
        const accounts = [account(), account(), account()];
        for (const { measured, work, isIdle } of rounds) {
          time.measured += measured;
          for (const [at, cost] of work.entries()) (accounts[at] as Counted).work += cost;
          // Something has ended in each round: else its time would be nobody's.
          (accounts[0] as Counted).work += 1;
          meter.settle(accounts, isIdle);
          const all = time.measured - 1_000;
          assert(total(accounts) <= all + 1e-3, `${total(accounts)} > ${all}`);
          if (isIdle) assert(Math.abs(total(accounts) - all) < 1e-3, `${total(accounts)} of ${all}`);
        }
      }),
    );
  });
});
