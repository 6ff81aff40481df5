import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ask, makeFolder, makePng, startOrigin } from "@mediatap/test";
import { folderWith } from "../config/folder.ts";
import { mediatap, serving } from "./mediatap.ts";

const PLUGINS = [
  "@mediatap/url-imagekit",
  "@mediatap/storage-fs",
  "@mediatap/storage-web",
  "@mediatap/image-sharp",
];

describe("mediatap doctor", () => {
  it("tries each origin, and reports what is wrong and what to do", async () => {
    const locked = createServer((_, res) => res.writeHead(403).end()).listen(0, "127.0.0.1");
    await new Promise((resolve) => locked.once("listening", resolve));
    const { port } = locked.address() as AddressInfo;
    const folder = await folderWith({
      "mediatap.config.json": {
        plugins: PLUGINS,
        origins: {
          fine: { type: "FOLDER", path: "." },
          locked: {
            type: "WEB_FOLDER",
            baseUrl: `http://127.0.0.1:${port}/`,
            username: "me",
            password: "hunter2",
          },
          down: { type: "WEB_FOLDER", baseUrl: "http://127.0.0.1:1/" },
        },
        endpoints: { default: { origins: ["fine", "locked", "down"] } },
      },
    });
    try {
      const { code, out, err } = await mediatap(["doctor"], { cwd: folder.path });
      assert.equal(code, 1);
      assert.match(out, /^ok {4}origin fine /m);
      assert.match(out, /^BAD {3}origin locked .*EACCES.*\n +→ check the credentials/m);
      assert.match(out, /^BAD {3}origin down .*ECONNREFUSED.*\n +→ check the address/m);
      assert.match(err, /problems were found/);
      assert.ok(!`${out}${err}`.includes("hunter2"));

      const json = await mediatap(["doctor", "--json"], { cwd: folder.path });
      const findings = JSON.parse(json.out) as { what: string; state: string }[];
      assert.deepEqual(
        findings.filter(({ state }) => state === "bad").map(({ what }) => what),
        ["origin locked", "origin down"],
      );
    } finally {
      await folder.remove();
      locked.close();
    }
  });

  it("reports a missing folder", async () => {
    const folder = await folderWith({
      "mediatap.config.json": {
        plugins: PLUGINS,
        origins: { photos: { type: "FOLDER", path: "photos" } },
        endpoints: { default: { origins: ["photos"] } },
      },
    });
    try {
      const { code, out } = await mediatap(["doctor"], { cwd: folder.path });
      assert.equal(code, 1);
      assert.match(out, /^BAD {3}origin photos .*there is no folder .*photos; make it/m);
    } finally {
      await folder.remove();
    }
  });

  it("ends well where everything is, finds a short key, and an endpoint that would refuse everything", async () => {
    const config = (restrictUnsigned: string, privateKey?: string) => ({
      plugins: PLUGINS,
      origins: { fine: { type: "FOLDER", path: "." } },
      endpoints: { default: { origins: ["fine"], restrictUnsigned, privateKey } },
    });
    const folder = await folderWith({ "good.json": config("all", "hunter2"), "bad.json": config("all") });
    try {
      const good = await mediatap(["doctor", "--config", "good.json"], { cwd: folder.path });
      assert.equal(good.code, 0);
      assert.match(good.out, /^poor {2}endpoints\.default\.privateKey +is shorter than 16 bytes/m);
      assert(!good.out.includes("hunter2"));
      const bad = await mediatap(["doctor", "--config", "bad.json"], { cwd: folder.path });
      assert.equal(bad.code, 1);
      assert.match(bad.err, /bad\.json: endpoints\.default\.restrictUnsigned: Expected a privateKey/);
    } finally {
      await folder.remove();
    }
  });
});

describe("mediatap doctor in a control group", () => {
  it("warns of a limit that leaves few threads", async function () {
    const group = ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"]
      .map((root) => `${root}/mediatap-doctor-${process.pid}`)
      .find((path) => {
        try {
          mkdirSync(path);
          if (existsSync(`${path}/pids.max`)) return true;
          rmdirSync(path);
        } catch {}
        return false;
      });
    if (group === undefined) this.skip();
    const folder = await makeFolder({ "a.txt": "a", "package.json": "{}" });
    try {
      writeFileSync(`${group}/pids.max`, "70");
      const by = ["/bin/sh", "-c", `echo $$ > ${group}/cgroup.procs; exec "$0" "$@"`];
      const { out } = await mediatap(["doctor", "."], { cwd: folder.path, by });
      assert.match(out, /poor {2}threads +the control group allows \d+ more, fewer than 64/);
    } finally {
      rmdirSync(group);
      await folder.close();
    }
  });
});

describe("mediatap serve --origin", () => {
  it("stands in front of a web server, without a configuration", async () => {
    const origin = await startOrigin({ "media/a b.png": makePng(30, 20, () => [255, 0, 0, 255]) });
    const server = await serving(["--origin", `${origin.url}/media`]);
    try {
      const { status, body } = await ask(server.port, "/tr:w-15,f-png/a%20b.png");
      assert.equal(status, 200);
      // Width and height in the header of a PNG.
      assert.deepEqual([body.readUInt32BE(16), body.readUInt32BE(20)], [15, 10]);
      assert.equal(origin.requests[0]?.headers["x-req-from"], "mediatap");
      assert.equal((await ask(server.port, "/none.png")).status, 404);
    } finally {
      server.kill("SIGTERM");
      await server.ended;
      await origin.close();
    }
  });

  it("takes one place only", async () => {
    const { code, err } = await mediatap(["serve", ".", "--origin", "http://localhost:1"]);
    assert.equal(code, 1);
    assert.match(err, /one of a folder, --origin and --config/);
  });

  it("names the flag where the address is wrong", async () => {
    const { code, err } = await mediatap(["serve", "--origin", "ftp://example.com"]);
    assert.equal(code, 1);
    assert.match(err, /--origin ftp:\/\/example\.com: origins\.web\.baseUrl/);
  });
});
