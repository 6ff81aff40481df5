import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { ask, makeFolder, startServer, type TestFolder, type TestServer, until } from "@mediatap/test";
import sharp from "sharp";
import { type Serving, serving } from "../../../core/test/cli/mediatap.ts";
import { folderConfig, type Gate, gate } from "../support/plugins.ts";

const MB = 1024 * 1024;

describe("more memory than there is", () => {
  let folder: TestFolder;
  let server: TestServer;
  let work: Gate;

  before(async () => {
    folder = await makeFolder({
      "gate/60": "x",
      "gate/61": "x",
      "gate/30": "x",
      "gate/31": "x",
      "gate/101": "x",
    });
  });
  beforeEach(async () => {
    // The name is the memory in megabytes.
    work = gate(1, (path) => Number(path.slice("gate/".length)) * MB);
    server = await startServer({
      ...folderConfig(folder.path, work),
      server: { explain: true },
      limits: { transforms: 4, memory: 100 * MB },
    });
  });
  afterEach(async () => {
    work.open();
    await server.close();
  });
  after(() => folder.close());
  const load = () => server.server.runtime.scheduler.load();

  it("is not taken: work waits for its turn while others run, although there are places", async () => {
    const first = server.ask("/gate/60?tr=w-5");
    await work.begun(1);
    const second = server.ask("/gate/61?tr=w-5");
    await until(() => load().waiting === 1, "the second one waits");
    // It fits, but would push in.
    const third = server.ask("/gate/30?tr=w-5");
    await until(() => load().waiting === 2, "the third one waits, too");
    assert.deepEqual([load().running, load().memory], [1, 60 * MB]);
    work.open();
    for (const answer of [first, second, third]) assert.equal((await answer).status, 200);
    assert.deepEqual([load().running, load().memory], [0, 0]);
  });

  it("is taken by as many as fit", async () => {
    const answers = [60, 30].map((size) => server.ask(`/gate/${size}?tr=w-5`));
    await work.begun(2);
    assert.equal(load().memory, 90 * MB);
    work.open();
    for (const answer of answers) assert.equal((await answer).status, 200);
  });

  it("does not stop what comes after one whose client has left", async () => {
    const first = server.ask("/gate/60?tr=w-5");
    await work.begun(1);
    const leaving = new AbortController();
    const second = server.ask("/gate/61?tr=w-5", { signal: leaving.signal });
    second.catch(() => {});
    await until(() => load().waiting === 1, "the second one waits");
    const third = server.ask("/gate/30?tr=w-5");
    await until(() => load().waiting === 2, "the third one waits");
    leaving.abort();
    await work.begun(2);
    work.open();
    for (const answer of [first, third]) assert.equal((await answer).status, 200);
  });

  it("is refused to work that would never fit, by the answer and by its explanation", async () => {
    const message = "Expected work that takes at most 100 MB of memory but it would take about 101";
    const { status, headers, text } = await server.ask("/gate/101?tr=w-5");
    assert.equal(status, 400);
    assert.match(headers["ik-error"] ?? "", /^ELIMIT/);
    assert.equal(text.trim(), message);
    const explained = JSON.parse((await server.ask("/-/explain?url=/gate/101%3Ftr=w-5")).text);
    assert.equal(explained.status, 400);
    assert.equal(explained.errors[0].message, message);
    assert.deepEqual(
      explained.limits.find(({ name }: { name: string }) => name === "memory"),
      { name: "memory", used: 101 * MB, allowed: 100 * MB, exceeded: true },
    );
  });
});

/** A control group with a limit of memory, of either version; `undefined`: this system gives us none. */
function createGroup(bytes: number): { readonly tasks: string; remove(): void } | undefined {
  const name = `mediatap-test-${process.pid}`;
  const kinds = [
    { root: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
    { root: "/sys/fs/cgroup", limit: "memory.max" },
  ];
  for (const { root, limit } of kinds) {
    const path = `${root}/${name}`;
    try {
      mkdirSync(path);
      if (existsSync(`${path}/${limit}`)) {
        writeFileSync(`${path}/${limit}`, String(bytes));
        return {
          tasks: `${path}/cgroup.procs`,
          remove: () => rmdirSync(path),
        };
      }
      rmdirSync(path);
    } catch {}
  }
  return undefined;
}

describe("a server in a container of 512 MB", () => {
  let folder: TestFolder;
  let server: Serving;
  let group: ReturnType<typeof createGroup>;

  before(async function () {
    group = createGroup(512 * MB);
    if (!group) this.skip();
    const create = { width: 10_000, height: 10_000, channels: 3, background: "#336699" } as const;
    const large = await sharp({ create, limitInputPixels: false }).png({ compressionLevel: 1 }).toBuffer();
    folder = await makeFolder({ "100mp.png": large });
    const by = ["/bin/sh", "-c", `echo $$ > ${group.tasks} && exec "$@"`, "sh"];
    server = await serving(["."], { cwd: folder.path, by });
  });
  after(async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    await folder?.close();
    group?.remove();
  });

  it("refuses what would not fit, does the rest, and is not killed", async () => {
    for (const path of ["/100mp.png?tr=t-true", "/100mp.png?tr=rt-90", "/100mp.png?tr=w-9000,bl-50"]) {
      const { status, headers } = await ask(server.port, path);
      assert.equal(status, 400, path);
      assert.match(headers["ik-error"] ?? "", /^ELIMIT - Expected work that takes at most 192 MB/, path);
    }
    const answers = [200, 201, 202].map((width) => ask(server.port, `/100mp.png?tr=w-${width}`));
    for (const answer of answers) assert.equal((await answer).status, 200);
    // The one that the kernel would have killed.
    assert.equal((await ask(server.port, "/-/live")).status, 200);
  });
});
