import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import {
  makeFolder,
  makePng,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { pino } from "pino";
import { addressAs } from "../src/address.ts";
import { type LogAccessOptions, logAccess } from "../src/index.ts";

type Line = Readonly<Record<string, unknown>>;

const picture = makePng(60, 40, () => [200, 30, 30, 255]);

describe("log-access", () => {
  let origin: WebOrigin;
  let folder: TestFolder;
  let server: TestServer | undefined;
  let lines: Line[];

  beforeEach(async () => {
    origin = await startOrigin({ "a.png": picture, "slow.png": { answer: () => {} } });
    folder = await makeFolder({});
    lines = [];
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    await origin.close();
    await folder.close();
  });

  async function start(options: LogAccessOptions = {}, more: MediatapConfig = {}): Promise<TestServer> {
    const log = pino({ level: "info" }, { write: (line: string) => void lines.push(JSON.parse(line)) });
    const config: MediatapConfig = {
      plugins: [urlImagekit(), storageWeb(), imageSharp(), cacheMemory(), logAccess(options)],
      origins: {
        empty: { type: "WEB_FOLDER", baseUrl: `${origin.url}/empty` },
        site: { type: "WEB_FOLDER", baseUrl: origin.url },
      },
      endpoints: { default: { origins: ["empty", "site"] } },
      ...more,
    };
    server = await startServer(config, { log: log as never, base: folder.path });
    return server;
  }

  const requests = () => lines.filter(({ msg }) => msg === "request");

  /** What the file holds once the server has ended. */
  async function written(): Promise<string[]> {
    await server?.close();
    server = undefined;
    return (await readFile(join(folder.path, "access.log"), "utf8")).split("\n");
  }

  it("writes one line a request, with what became of it", async () => {
    const { ask } = await start();
    const first = await ask("/tr:w-20/a.png", {
      headers: { "user-agent": "test/1", referer: "https://shop.example/" },
    });
    await ask("/tr:w-20/a.png");
    const [miss, hit] = requests();
    assert.equal(requests().length, 2);
    assert.equal(miss?.id, first.headers["x-request-id"]);
    assert.deepEqual(
      [miss?.method, miss?.url, miss?.status, miss?.bytes, miss?.cache, miss?.lane, miss?.provenance],
      ["GET", "/tr:w-20/a.png", 200, first.body.length, "miss", "light", "real"],
    );
    assert.deepEqual(
      [miss?.agent, miss?.referrer, miss?.ip],
      ["test/1", "https://shop.example/", "127.0.0.1"],
    );
    assert.equal(typeof miss?.ms, "number");
    assert.deepEqual([hit?.cache, hit?.layer, hit?.phases], ["hit", "cache-memory", undefined]);
    assert.equal(hit?.key, miss?.key);
  });

  it("tells how long each origin and each phase took", async () => {
    const { ask } = await start();
    await ask("/tr:w-20/a.png");
    const { origins, phases } = requests()[0] as { origins: Line[]; phases: Line };
    assert.deepEqual(
      origins.map(({ place, outcome }) => [place, outcome]),
      [
        [1, "not here"],
        [2, "found"],
      ],
    );
    for (const { ms } of origins) assert.equal(typeof ms, "number");
    assert.deepEqual(Object.keys(phases).sort(), ["download", "plan", "queue", "transformation"]);
  });

  it("names the code of an error, and 499 where the client had gone", async () => {
    const { ask } = await start();
    await ask("/none.png");
    assert.deepEqual([requests()[0]?.status, requests()[0]?.code], [404, "ENOENT"]);
    const leave = new AbortController();
    const asked = ask("/slow.png", { signal: leave.signal }).catch(() => undefined);
    await origin.asked("slow.png");
    leave.abort();
    await asked;
    while (requests().length < 2) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([requests()[1]?.status, requests()[1]?.bytes], [499, 0]);
  });

  it("shows neither signatures nor what stands below /-/", async () => {
    const { ask } = await start();
    await ask("/a.png?v=1&ik-s=0123456789abcdef&token=s3cret", {
      headers: { referer: "https://u:pw@shop.example/?key=s3cret" },
    });
    await ask("/-/live");
    assert.equal(requests().length, 1);
    assert.equal(requests()[0]?.url, "/a.png?v=1&ik-s=***&token=***");
    assert.doesNotMatch(JSON.stringify(lines), /s3cret|0123456789abcdef|pw@/);
  });

  it("keeps quiet about quick requests where that is asked for, not about failures of the server", async () => {
    const failing = {
      name: "test-failing",
      version: "1.0.0",
      apiVersion: 1,
      apply: ({ hooks }: Parameters<ReturnType<typeof logAccess>["apply"]>[0]) =>
        hooks.admit.tap("test-failing", ({ request }) => {
          if (request.url === "/fail.png") throw new Error("on purpose");
        }),
    };
    const { ask } = await start(
      {},
      { plugins: [urlImagekit(), storageWeb(), imageSharp(), failing, logAccess({ slowerThan: 60_000 })] },
    );
    await ask("/a.png");
    await ask("/fail.png");
    assert.deepEqual(
      requests().map(({ status }) => status),
      [500],
    );
  });

  it("adds lines in the Common Log Format to a file", async () => {
    const { ask } = await start({ format: "common", file: "access.log" });
    const { body } = await ask("/a.png");
    await ask("/a.png", { method: "HEAD" });
    const [first = "", second = "", ...rest] = await written();
    const stamp = String.raw`\[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000\]`;
    assert.match(
      first,
      new RegExp(`^127\\.0\\.0\\.1 - - ${stamp} "GET /a\\.png HTTP/1\\.1" 200 ${body.length}$`),
    );
    assert.match(second, / "HEAD \/a\.png HTTP\/1\.1" 200 -$/);
    assert.deepEqual(rest, [""]);
    assert.equal(requests().length, 0);
  });

  it("lets nothing that a client writes break its field or its line", async () => {
    const { ask } = await start({ format: "combined", file: "access.log" });
    await ask('/a.png?x="%0a', { headers: { "user-agent": 'a" 200 "b\\\u00e9' } });
    const [line = "", end] = await written();
    assert.ok(line.endsWith(String.raw` "-" "a\x22 200 \x22b\x5c\xe9"`), line);
    assert.match(line, /"GET \/a\.png\?x=\\x22%0a HTTP\/1\.1"/);
    assert.equal(end, "");
  });

  it("goes on where its file cannot be written, and says so once", async () => {
    const { ask } = await start({ format: "common", file: "no/such/folder/access.log" });
    for (let i = 0; i < 3; i++) assert.equal((await ask("/a.png")).status, 200);
    const said = lines.filter(({ msg }) => msg === "the access log cannot be written");
    assert.equal(said.length, 1);
  });

  it("writes as much of an address as it may", async () => {
    assert.equal(addressAs("full", "192.0.2.77"), "192.0.2.77");
    assert.equal(addressAs("network", "192.0.2.77"), "192.0.2.0");
    assert.equal(addressAs("network", "::ffff:192.0.2.77"), "192.0.2.0");
    assert.equal(addressAs("network", "2001:db8:1:2::7"), "2001:db8:1::");
    assert.equal(addressAs("network", "2001:db8::7"), "2001:db8:0::");
    assert.equal(addressAs("network", "::1"), "0:0:0::");
    assert.equal(addressAs("none", "192.0.2.77"), undefined);
    const { ask } = await start({ address: "none" });
    await ask("/a.png");
    assert.equal("ip" in (requests()[0] as Line), false);
  });

  it("names the field of a wrong option", () => {
    assert.throws(() => logAccess({ format: "xml" } as object), /log-access\.format/);
    assert.throws(() => logAccess({ file: "a.log" }), /log-access\.file: Expected a format/);
    assert.throws(() => logAccess({ slow: 1 } as object), /log-access\.slow: unknown field/);
  });
});
