import { describeStateStore, describeWith, REDIS, startRedis } from "@mediatap/test";
import { stateRedis } from "../src/index.ts";

describeWith(REDIS, "state-redis", () => {
  describeStateStore("state-redis", async () => {
    const { url, close } = await startRedis();
    return { plugin: stateRedis({ redis: url }), close };
  });
});
