import assert from "node:assert/strict";
import { join } from "node:path";
import { ask, makeFolder, startOrigin, type TestFolder, until, type WebOrigin } from "@mediatap/test";
import { type Serving, serving } from "../../../core/test/cli/mediatap.ts";

const path = (relative: string) => JSON.stringify(join(import.meta.dirname, relative));
const KEY = "private_test_key";
const headers = { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` };

const configOf = (origin: string, state: string) => `
import { analytics } from ${path("../src/index.ts")};
import { stateSqlite } from ${path("../../state-sqlite/src/index.ts")};
import { presetMediatap } from ${path("../../../presets/mediatap/src/index.ts")};
export default {
  presets: [presetMediatap()],
  plugins: [analytics(), ${state}],
  origins: { web: { type: "WEB_FOLDER", baseUrl: ${JSON.stringify(origin)} } },
  endpoints: { default: { origins: ["web"] } },
  privateKey: ${JSON.stringify(KEY)},
};
`;

for (const [where, state] of [
  ["in memory", "false"],
  ["in a store", 'stateSqlite({ path: "state.sqlite" })'],
] as const) {
  describe(`analytics of several workers, ${where}`, () => {
    let origin: WebOrigin;
    let folder: TestFolder;
    let server: Serving;
    before(async () => {
      origin = await startOrigin({ "a.css": Buffer.from("a{}") });
      folder = await makeFolder({
        "package.json": "{}",
        "mediatap.config.mjs": configOf(origin.url, state),
      });
      server = await serving(["--workers", "2"], { cwd: folder.path });
    });
    after(async () => {
      server?.kill("SIGKILL");
      await server?.ended;
      await Promise.all([origin?.close(), folder?.close()]);
    });

    async function report() {
      const { status, text } = await ask(server.port, "/-/api/analytics", { headers });
      assert.equal(status, 200, text);
      return JSON.parse(text);
    }

    it("contains all of them, whichever answers", async () => {
      for (let i = 0; i < 10; i++) assert.equal((await ask(server.port, "/a.css")).status, 200);
      await until(async () => (await report()).total.requests === 10, "all are counted");
      for (let i = 0; i < 6; i++) {
        const { total, lists } = await report();
        assert.equal(total.requests, 10);
        assert.deepEqual(lists.files, [{ name: "/a.css", requests: 10, bytes: 30 }]);
      }
    });

    if (state !== "false") {
      it("contains what was written before all of them were killed", async () => {
        server.kill("SIGKILL");
        await server.ended;
        server = await serving(["--workers", "2"], { cwd: folder.path });
        await ask(server.port, "/a.css");
        await until(async () => (await report()).total.requests === 11, "one more is counted");
      });
    }
  });
}
