import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { createQueue, type Priced } from "../../src/work/queue.ts";

const LIGHT: Priced = { lane: "light", cost: 50, memory: 1 };
const HEAVY: Priced = { lane: "heavy", cost: 400, memory: 1 };
const forever = () => new AbortController().signal;

/** A queue with one slot, which is taken, and the names of plans in the order in which they got it. */
function oneSlot({ bytes = 10, room = 100_000 } = {}) {
  let free = bytes;
  const take = (taken: number) => {
    if (taken > free) return false;
    free -= taken;
    return true;
  };
  const release = (released: number) => {
    free += released;
    queue.next();
  };
  const queue = createQueue(1, () => ({ slots: 1, room, wait: 60_000 }), { take, release });
  const started: string[] = [];
  const running: Priced[] = [];
  const enter = (name: string, plan: Priced, options = {}) =>
    queue.enter(plan, forever(), options).then(() => {
      started.push(name);
      running.push(plan);
    });
  const refused = (name: string, plan: Priced, options = {}) =>
    assert.rejects(async () => enter(name, plan, options), { code: "EBUSY" }, name);
  /** Ends what runs, and waits until the next has begun. */
  async function end(): Promise<void> {
    queue.leave(running.shift() as Priced);
    await setImmediate();
  }
  return { enter, refused, end, take, release, started };
}

describe("queue of work", () => {
  it("starts light work first", async () => {
    const { enter, end, started } = oneSlot();
    await enter("running", LIGHT);
    const all = [enter("heavy", HEAVY), enter("light 1", LIGHT), enter("light 2", LIGHT)];
    for (const _ of all) await end();
    await Promise.all(all);
    assert.deepEqual(started, ["running", "light 1", "light 2", "heavy"]);
  });

  it("gives heavy work half of the time, however much light work comes", async () => {
    const { enter, end, started } = oneSlot();
    await enter("running", LIGHT);
    for (let at = 1; at <= 3; at++) void enter(`heavy ${at}`, HEAVY);
    for (let at = 1; at <= 40; at++) {
      void enter(`light ${at}`, LIGHT);
      await end();
    }
    const heavy = started.flatMap((name, at) => (name.startsWith("heavy") ? [at] : []));
    // 400 ms are eight times 50 ms.
    assert.deepEqual(heavy, [9, 18, 27]);
    const light = started.filter((name) => name.startsWith("light"));
    assert.deepEqual(
      light,
      light.toSorted((a, b) => Number(a.slice(6)) - Number(b.slice(6))),
      "in order of arrival",
    );
  });

  it("lets light work pass heavy work that waits for memory, which starts as soon as there is enough", async () => {
    const { enter, end, take, release, started } = oneSlot({ bytes: 4 });
    await enter("running", LIGHT);
    void enter("heavy", { ...HEAVY, memory: 4 });
    for (let at = 1; at <= 8; at++) {
      void enter(`light ${at}`, LIGHT);
      await end();
    }
    take(1);
    void enter("light 9", LIGHT);
    await end();
    assert.equal(started.at(-1), "light 9");
    release(1);
    void enter("light 10", LIGHT);
    await end();
    assert.equal(started.at(-1), "heavy");
    await end();
    assert.equal(started.at(-1), "light 10");
  });

  it("starts background work when nothing else waits, and gives it room of its own", async () => {
    const { enter, end, started, refused } = oneSlot({ room: 500 });
    await enter("running", LIGHT);
    void enter("background 1", HEAVY, { isBackground: true });
    await refused("background 2", HEAVY, { isBackground: true });
    void enter("heavy", HEAVY);
    await refused("heavy 2", HEAVY);
    void enter("light", LIGHT);
    for (let at = 0; at < 3; at++) await end();
    assert.deepEqual(started, ["running", "light", "heavy", "background 1"]);
  });

  it("counts anew once heavy work has started", async () => {
    const { enter, end, started } = oneSlot();
    await enter("running", LIGHT);
    const heavy = enter("heavy 1", HEAVY);
    for (let at = 1; at <= 9; at++) {
      void enter(`light ${at}`, LIGHT);
      await end();
    }
    await heavy;
    assert.equal(started.at(-1), "heavy 1");
    void enter("heavy 2", HEAVY);
    void enter("light 10", LIGHT);
    await end();
    await end();
    assert.deepEqual(started.slice(-2), ["light 9", "light 10"]);
  });
});
