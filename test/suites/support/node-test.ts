// Contract suites as `node --test` runs them: see repository/node-test.test.ts.
import { cacheMemory } from "@mediatap/cache-memory";
import { describeCache, describeLanguage, describeStorage } from "@mediatap/test";
import { pixelate } from "../../../examples/custom-step/pixelate.ts";
import { signed, urlPixels } from "../../../examples/custom-step/url-pixels.ts";
import { CAN, memoryPlace } from "./memory-place.ts";

const isBroken = process.env.BROKEN === "1";

describeStorage("memory", CAN, async () =>
  memoryPlace(isBroken ? ({ write }) => ({ write: (path, body) => write(path, body, {}) }) : undefined),
);
describeCache("cache-memory", () => ({
  plugin: cacheMemory(),
  small: (maxBytes) => cacheMemory({ maxBytes }),
}));
describeLanguage("url-pixels", {
  plugin: urlPixels(),
  beside: [pixelate()],
  equal: [["/pixels1/a.jpg", "/a.jpg"]],
  different: ["/a.jpg", "/w9/a.jpg"],
  wrong: ["/pixels0/a.jpg"],
  sign: signed,
});
