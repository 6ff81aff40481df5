import { describeCache } from "@mediatap/test";
import { cacheMemory } from "../src/index.ts";

describeCache("cache-memory", () => ({
  plugin: cacheMemory(),
  small: (maxBytes) => cacheMemory({ maxBytes }),
}));
