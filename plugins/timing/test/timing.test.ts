import assert from "node:assert/strict";
import type { Plugin } from "@mediatap/core";
import { echoEngine, jobLanguage, memoryStorage, startServer, type TestServer } from "@mediatap/test";
import { timing } from "../src/index.ts";

/** Adds spans of its own to each answer. */
const spans: Plugin = {
  name: "spans",
  version: "1.0.0",
  apiVersion: 1,
  apply({ hooks }) {
    hooks.respond.tap("spans", (_reply, exchange) => {
      exchange.spans.add("twice", 10, 'a "quoted"\r\nword \u00e9');
      exchange.spans.add("twice", 5.25);
    });
  },
};

describe("timing", () => {
  let server: TestServer;
  before(async () => {
    server = await startServer({
      plugins: [
        jobLanguage(),
        memoryStorage(new Map([["a.jpg", Buffer.from("a")]])),
        echoEngine(),
        timing(),
        spans,
      ],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
    });
  });
  after(() => server.close());

  /** Metrics by name, each with its parameters as they stand. */
  async function metrics(path: string): Promise<Map<string, string>> {
    const { headers } = await server.ask(path);
    const entries = (headers["server-timing"] ?? "").split(", ").map((entry): [string, string] => {
      const [name = "", ...rest] = entry.split(";");
      return [name, rest.join(";")];
    });
    return new Map(entries);
  }

  it("names every phase of the work, and the whole", async () => {
    const found = await metrics("/a.jpg");
    assert.equal(found.get("cache"), "desc=miss");
    for (const name of ["download", "transformation", "total"]) {
      assert.match(found.get(name) ?? "", /^dur=\d+\.\d$/, name);
    }
  });

  it("is there for errors, without the phases that did not happen", async () => {
    const found = await metrics("/none.jpg");
    assert.match(found.get("total") ?? "", /^dur=\d+\.\d$/);
    assert.equal(found.get("transformation"), undefined);
  });

  it("adds up a phase that ran several times", async () => {
    assert.match((await metrics("/a.jpg")).get("twice") ?? "", /^dur=15\.3;/);
  });

  it("writes a description that no header could be broken with", async () => {
    const found = await metrics("/a.jpg");
    assert.match(found.get("twice") ?? "", /^dur=15\.3;desc="a _quoted___word _"$/);
  });
});
