import assert from "node:assert/strict";
import {
  describeStateStore,
  describeWith,
  REDIS,
  startRedis,
  startRedisCluster,
  startSentinels,
  until,
} from "@mediatap/test";
import { pino } from "pino";
import { stateRedis } from "../src/index.ts";

describeWith(REDIS, "state-redis", () => {
  describeStateStore("state-redis", async () => {
    const { url, close } = await startRedis();
    return { plugin: stateRedis({ redis: url }), close };
  });

  describeStateStore("state-redis with the options of a client", async () => {
    const { url, close } = await startRedis();
    const { hostname: host, port } = new URL(url);
    return { plugin: stateRedis({ redis: { socket: { host, port: Number(port) } } }), close };
  });

  it("keeps state behind sentinels, and announces it after another Redis took over", async () => {
    const { redis, caughtUp, failOver, close } = await startSentinels();
    const { stateStore } = stateRedis({ redis });
    assert(stateStore);
    const logger = pino({ level: "silent" });
    const [store, other] = [stateStore.open({ base: "/", logger }), stateStore.open({ base: "/", logger })];
    let heard = 0;
    try {
      other.watch(() => heard++);
      const next = { time: 1, author: "ada", comment: "", content: "{}" };
      assert.deepEqual(await store.write(next, 0), { ...next, number: 1 });
      await store.records("things").put("a", "1");
      await until(() => heard > 0, "the other one has heard of it");
      await caughtUp();
      await failOver();
      const before = heard;
      await until(() => store.read().catch(() => undefined), "the store has found the new one");
      assert.deepEqual(await store.write(next, 1), { ...next, number: 2 });
      await until(() => heard > before, "the other one has heard of it again");
      assert.deepEqual(await other.read(), { ...next, number: 2 });
      assert.deepEqual(await other.records("things").list(), [["a", "1"]]);
    } finally {
      await Promise.all([store.close(), other.close()]);
      await close();
    }
  });

  it("keeps state in a cluster", async () => {
    const { nodes, close } = await startRedisCluster();
    const { stateStore } = stateRedis({ redis: { rootNodes: nodes.map(({ url }) => ({ url })) } });
    assert(stateStore);
    const store = stateStore.open({ base: "/", logger: pino({ level: "silent" }) });
    try {
      const next = { time: 1, author: "ada", comment: "", content: "{}" };
      assert.deepEqual(await store.write(next, 0), { ...next, number: 1 });
      assert.deepEqual(await store.read(), { ...next, number: 1 });
      await store.records("things").put("a", "1");
      assert.deepEqual(await store.records("things").list(), [["a", "1"]]);
    } finally {
      await store.close();
      await close();
    }
  });
});
