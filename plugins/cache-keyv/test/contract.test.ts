import { describeCache, describeWith, REDIS, startRedis, startRedisCluster } from "@mediatap/test";
import { cacheKeyv } from "../src/index.ts";
import { TIMEOUT_MS as timeout } from "./places.ts";

const none = { budget: false };

describeCache(
  "cache-keyv in a Map",
  () => ({ plugin: cacheKeyv({ store: new Map(), private: true, timeout }) }),
  none,
);

describeWith(REDIS, "cache-keyv with Redis", () => {
  describeCache(
    "one Redis",
    async () => {
      const redis = await startRedis();
      return { plugin: cacheKeyv({ redis: redis.url, private: true, timeout }), close: redis.close };
    },
    none,
  );

  describeCache(
    "a cluster",
    async () => {
      const { nodes, close } = await startRedisCluster();
      const rootNodes = nodes.map(({ url }) => ({ url }));
      return { plugin: cacheKeyv({ redis: { rootNodes }, private: true, timeout }), close };
    },
    none,
  );
});
