import assert from "node:assert/strict";
import type { Diagnosis } from "@mediatap/core";
import { echoEngine, memoryStorage, startServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { urlCloudinary } from "../src/index.ts";

type Endpoints = Readonly<Record<string, { readonly languages?: string[] }>>;

describe("url-cloudinary: endpoints", () => {
  async function findings(endpoints: Endpoints, cloudName?: string): Promise<string[]> {
    const own = Object.entries(endpoints).map(([name, fields]) => [name, { origins: ["files"], ...fields }]);
    const server = await startServer({
      plugins: [
        urlCloudinary(cloudName === undefined ? {} : { cloudName }),
        urlImagekit(),
        memoryStorage(Buffer.from("x")),
        echoEngine(),
      ],
      origins: { files: { type: "MEMORY" } },
      endpoints: Object.fromEntries(own),
    });
    try {
      const texts: string[] = [];
      const add: Diagnosis["add"] = ({ what, state, text }) => texts.push(`${what} ${state}: ${text}`);
      await server.server.runtime.hooks.diagnose.promise({ add });
      return texts;
    } finally {
      await server.close();
    }
  }

  it("must not have a prefix with which URLs of another endpoint begin", async () => {
    const hidden = (taker: string) => [
      `url-cloudinary bad: the prefix of the endpoint ${taker} hides Cloudinary's URLs of the endpoint default`,
    ];
    assert.deepEqual(await findings({ default: {}, image: {} }), hidden("image"));
    assert.deepEqual(await findings({ default: {}, demo: {} }, "demo"), hidden("demo"));
    assert.deepEqual(await findings({ default: {}, image: {}, shop: {} }, "demo"), []);
    assert.deepEqual(await findings({ default: { languages: ["url-imagekit"] }, image: {} }), []);
  });
});
