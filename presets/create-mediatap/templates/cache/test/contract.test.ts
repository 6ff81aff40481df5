import { describeCache } from "@mediatap/test";
import { cacheExample } from "../src/index.ts";

describeCache("cache-example", () => ({ plugin: cacheExample() }), { budget: false });
