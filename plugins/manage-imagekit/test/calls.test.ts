import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { echoEngine, jobLanguage, memoryStorage, startServer, type TestServer } from "@mediatap/test";
import { describeWithSdks } from "../../../test/suites/support/sdks.ts";

const KEY = "private_test_key";
const headers = { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` };

describeWithSdks("manage-imagekit: the calls of the client", (sdks) => {
  let server: TestServer;
  let calls: ReadonlyMap<string, string>;
  /** Rows of the table in the README. */
  let rows: readonly (readonly [call: string, request: string, state: string])[];

  before(async () => {
    server = await startServer({
      plugins: [jobLanguage(), memoryStorage(Buffer.from("x")), echoEngine(), manageImagekit()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
      privateKey: KEY,
      management: { compatible: true },
    });
    calls = await sdks.requests();
    const readme = await readFile(new URL("../README.md", import.meta.url), "utf8");
    const [, table = ""] = readme.split("## Calls of the client");
    rows = [...table.matchAll(/^\| `([\w.]+)` +\| `(\w+ [^`]+)` +\| (.*?) +\|$/gm)].map(
      ([, call = "", request = "", state = ""]) => [call, request, state] as const,
    );
  });
  after(() => server?.close());

  it("are all in the README, with their requests", () => {
    assert.equal(calls.size, 53);
    const listed = rows.map(([call, request]) => `${call}: ${request.replaceAll("{id}", "id")}`);
    const sent = [...calls].map(([call, request]) => `${call}: ${request}`);
    assert.deepEqual(listed.toSorted(), sent.toSorted());
  });

  it("get 501 as JSON where the README says so, and are known", async () => {
    const states = new Map(rows.map(([call, , state]) => [call, state]));
    assert(rows.filter(([, , state]) => state === "501").length > 0);
    for (const [call, request] of calls) {
      const [method = "", path = ""] = request.split(" ");
      for (const start of ["", "/-/api"]) {
        const { status, text } = await server.ask(start + path, { method, headers });
        const { message, help } = JSON.parse(text);
        assert.notEqual(message, "There is no such call.", `${call} ${start}${path}`);
        assert.equal(typeof message, "string");
        assert.equal(help, "See the README of manage-imagekit.");
        if (states.get(call) === "501") assert.deepEqual([status, /here/.test(message)], [501, true], call);
      }
    }
  });
});
