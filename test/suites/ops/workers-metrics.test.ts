import assert from "node:assert/strict";
import { join } from "node:path";
import { ask, makeFolder, startOrigin, type TestFolder, until, type WebOrigin } from "@mediatap/test";
import { type Serving, serving } from "../../../core/test/cli/mediatap.ts";

const path = (relative: string) => JSON.stringify(join(import.meta.dirname, relative));

const configOf = (origin: string) => `
import { cacheDisk } from ${path("../../../plugins/cache-disk/src/index.ts")};
import { metrics } from ${path("../../../plugins/metrics/src/index.ts")};
import { pageConsole } from ${path("../../../plugins/page-console/src/index.ts")};
import { presetMediatap } from ${path("../../../presets/mediatap/src/index.ts")};
export default {
  presets: [presetMediatap()],
  plugins: [cacheDisk({ path: "cache", maxBytes: 1e6 }), metrics(), pageConsole({ open: true })],
  origins: { web: { type: "WEB_FOLDER", baseUrl: ${JSON.stringify(origin)} } },
  endpoints: { default: { origins: ["web"] } },
};
`;

describe("metrics and console of several workers", () => {
  let origin: WebOrigin;
  let folder: TestFolder;
  let server: Serving;
  before(async () => {
    origin = await startOrigin({ "a.css": Buffer.from("a{}") });
    folder = await makeFolder({ "package.json": "{}", "mediatap.config.mjs": configOf(origin.url) });
    server = await serving(["--workers", "2"], { cwd: folder.path });
  });
  after(async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    await Promise.all([origin?.close(), folder?.close()]);
  });

  async function scrape(): Promise<(name: string) => number | undefined> {
    const { status, text } = await ask(server.port, "/-/metrics");
    assert.equal(status, 200);
    return (name) => {
      const line = text.split("\n").find((one) => one.startsWith(`${name} `));
      return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ")));
    };
  }
  const SERVED = 'mediatap_responses_total{tenant="",endpoint="default",code="200",outcome="served"}';

  it("are those of all of them, whichever answers", async () => {
    for (let i = 0; i < 10; i++) assert.equal((await ask(server.port, "/a.css")).status, 200);
    await until(async () => (await scrape())(SERVED) === 10, "all are counted");
    const starts = new Set<number | undefined>();
    for (let i = 0; i < 6; i++) {
      const value = await scrape();
      assert.equal(value(SERVED), 10);
      assert.equal(value("mediatap_workers"), 2);
      assert.equal(value("mediatap_generation"), 1);
      assert.equal(value('mediatap_origin_breaker_state{origin="web",state="closed"}'), 1);
      // A folder that they have in common is not counted twice; memory is divided among them.
      assert.equal(value('mediatap_cache_max_bytes{cache="cache-disk"}'), 1e6);
      assert.equal(value('mediatap_cache_max_bytes{cache="cache-memory"}'), 128 * 1024 * 1024);
      starts.add(value("process_start_time_seconds"));
      const status = JSON.parse((await ask(server.port, "/-/console/data/live")).text);
      assert.deepEqual([status.total >= 10, status.server.workers], [true, 2]);
      assert(status.origins[0].asked >= 1);
    }
    assert.equal(starts.size, 1);
  });
});
