import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { connect, type Socket } from "node:net";
import { ask, makeFolder, startOrigin, type TestFolder, until, type WebOrigin } from "@mediatap/test";
import { type Serving, serving } from "../../../core/test/cli/mediatap.ts";
import { photo } from "../support/photos.ts";

const PRLIMIT = "/usr/bin/prlimit";

/** Milliseconds for which a process opens and closes nothing before its limit is set. */
const QUIET_MS = 200;

/** The files of a process, once it opens and closes none: what it closes later would leave room under a limit. */
async function openFiles(pid: number): Promise<ReadonlySet<number>> {
  let before = "";
  let since = performance.now();
  return await until(() => {
    const open = readdirSync(`/proc/${pid}/fd`);
    if (open.join() !== before) since = performance.now();
    before = open.join();
    return performance.now() - since > QUIET_MS && new Set(open.map(Number));
  }, "it opens and closes no files");
}

/** Lets a process open `free` more files; `undefined`: as many as before. */
async function allowFiles(pid: number, free?: number): Promise<void> {
  const open = free === undefined ? new Set() : await openFiles(pid);
  let limit = 0;
  // The limit is one of numbers, not of files: gaps count.
  for (let left = free ?? 0; left > 0 || open.has(limit); limit++) if (!open.has(limit)) left--;
  const wanted = free === undefined ? 4096 : limit;
  const { status } = spawnSync(PRLIMIT, ["--pid", String(pid), `--nofile=${wanted}:4096`]);
  assert.equal(status, 0);
}

interface Client {
  /** Status, code and `Cache-Control` of an answer. */
  get(path: string): Promise<string>;
  close(): void;
}

/** One connection that stays open. */
function keptOpen(port: number): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  return {
    get: (path) =>
      new Promise((resolve, reject) => {
        const sent = request({ host: "127.0.0.1", port, path, agent }, (res) => {
          const { "ik-error": error = "", "cache-control": control, "retry-after": after = "" } = res.headers;
          res.resume().once("error", reject);
          res.once("end", () =>
            resolve([res.statusCode, error, control, after].join(" ").replace(/ +/g, " ")),
          );
        });
        sent.once("error", reject).end();
      }),
    close: () => agent.destroy(),
  };
}

describe("a server that runs out of file descriptors", () => {
  let folder: TestFolder;
  let origin: WebOrigin;
  let server: Serving;
  let client: Client;

  before(async function () {
    if (!existsSync(PRLIMIT)) this.skip();
    const picture = await photo(60, 40);
    folder = await makeFolder({ "files/photo.jpg": picture, "package.json": "{}" });
    origin = await startOrigin({ "photo.jpg": picture, "bucket/photo.jpg": picture });
    const config = {
      presets: ["mediatap"],
      origins: {
        files: { type: "FOLDER", path: "./files" },
        // A name, so that it must be resolved.
        web: { type: "WEB_FOLDER", baseUrl: origin.url.replace("127.0.0.1", "localhost") },
        // Its client is loaded with the first request.
        bucket: {
          type: "S3_COMPATIBLE",
          ...{ bucket: "bucket", endpoint: origin.url, s3ForcePathStyle: true },
          ...{ accessKey: "key", secretKey: "secret" },
        },
      },
      endpoints: {
        default: { origins: ["files"] },
        web: { origins: ["web"] },
        bucket: { origins: ["bucket"] },
      },
    };
    await folder.write("mediatap.config.json", JSON.stringify(config));
    server = await serving([], { cwd: folder.path, by: [PRLIMIT, "--nofile=4096:4096"] });
    client = keptOpen(server.port);
    // What is loaded with the first request would need files, too.
    assert.match(await client.get("/tr:w-10/photo.jpg"), /^200/);
  });
  after(async () => {
    client?.close();
    server?.kill("SIGKILL");
    await server?.ended;
    await origin?.close();
    await folder?.close();
  });
  afterEach(() => allowFiles(server.pid));

  it("goes on with what is in memory", async () => {
    await allowFiles(server.pid, 0);
    assert.match(await client.get("/tr:w-10/photo.jpg"), /^200/);
  });

  const BUSY = "503 EBUSY - The server is busy no-store 5";
  for (const [what, path] of [
    ["a picture of a folder", "/tr:w-20/photo.jpg"],
    ["a file as it is", "/photo.jpg?tr=orig-true"],
    ["a default image", "/missing.jpg?tr=di-photo.jpg"],
    ["a default image that is transformed", "/missing.jpg?tr=w-21,di-photo.jpg"],
    ["a picture of an origin whose name is to be resolved", "/web/tr:w-20/photo.jpg"],
    ["a picture of an origin whose client is to be loaded", "/bucket/tr:w-20/photo.jpg"],
  ] as const) {
    it(`is busy with ${what}, keeps no failure, and recovers by itself`, async () => {
      await allowFiles(server.pid, 0);
      assert.equal(await client.get(path), BUSY);
      await allowFiles(server.pid);
      assert.match(await client.get(path), /^200/);
    });
  }

  it("sends a right picture or none if a few are left", async () => {
    const seen = new Set<string>();
    for (let free = 1; free < 6; free++) {
      for (const path of ["/tr:w-3X/photo.jpg", "/web/tr:w-4X/photo.jpg"]) {
        await allowFiles(server.pid, free);
        seen.add(await client.get(path.replace("X", String(free))));
        await allowFiles(server.pid);
      }
    }
    for (const answer of seen) assert.match(answer, /^(200 |503 EBUSY .* no-store)/);
  });

  it("answers many at once, files as they are among them", async () => {
    const clients = Array.from({ length: 30 }, () => keptOpen(server.port));
    try {
      for (const one of clients) await one.get("/-/live");
      for (let free = 1; free < 5; free++) {
        await allowFiles(server.pid, free);
        const answers = await Promise.all(
          clients.map((one, at) => one.get(`/photo.jpg?tr=orig-true&v=${at}`)),
        );
        await allowFiles(server.pid);
        for (const answer of answers) assert.match(answer, /^(200 |503 EBUSY .* no-store)/);
      }
    } finally {
      for (const one of clients) one.close();
    }
  });

  it("says so in the log", () => {
    const warnings = server.lines.filter(({ msg }) => msg === "the machine has run out of resources");
    assert(warnings.length > 0);
    assert.match(JSON.stringify(warnings[0]), /EMFILE/);
  });
});

/** Connections over which nothing is asked, or half a request. */
async function crowd(port: number, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(port, "127.0.0.1").on("error", () => {}));
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, "connect"), once(socket, "close")])));
  for (const socket of sockets) socket.write("GET /-/live HTTP/1.1\r\n");
  return sockets;
}

for (const workers of ["1", "2"]) {
  describe(`connections of a server of ${workers} process${workers === "1" ? "" : "es"} that may open 256 files`, () => {
    let folder: TestFolder;
    let server: Serving;
    const sockets: Socket[] = [];

    before(async function () {
      if (!existsSync(PRLIMIT)) this.skip();
      folder = await makeFolder({ "photo.jpg": await photo(60, 40) });
      const by = [PRLIMIT, "--nofile=256:256"];
      server = await serving(["--workers", workers, "."], { cwd: folder.path, by });
    });
    afterEach(() => {
      for (const socket of sockets.splice(0)) socket.destroy();
    });
    after(async () => {
      server?.kill("SIGKILL");
      await server?.ended;
      await folder?.close();
    });

    it("are closed while they are idle, so that others have room", async () => {
      const clients = Array.from({ length: 300 }, () => keptOpen(server.port));
      for (const client of clients) await client.get("/tr:w-10/photo.jpg").catch(() => {});
      const status = () =>
        ask(server.port, "/tr:w-10/photo.jpg").then(
          ({ status }) => status,
          () => 0,
        );
      await until(async () => (await status()) === 200, "another client is served");
      for (const client of clients) client.close();
    });

    it("are refused when there are too many, and the server answers again when they are gone", async () => {
      sockets.push(...(await crowd(server.port, 1000)));
      await until(() => sockets.filter(({ closed }) => closed).length > 500, "most are closed");
      // A reserve is kept for those who ask whether the server lives.
      const status = (path: string) =>
        ask(server.port, path).then(
          ({ status }) => status,
          () => 0,
        );
      await until(async () => (await status("/-/live")) === 200, "it says that it lives");
      for (const socket of sockets.splice(0)) socket.destroy();
      await until(async () => (await status("/tr:w-11/photo.jpg")) === 200, "it answers again");
      const notes = server.lines.filter(({ msg }) => /too many connections/.test(String(msg)));
      assert(notes.length > 0);
    });
  });
}

/** A control group with a limit of threads, of either version; `undefined`: this system gives us none. */
function createGroup():
  | { readonly add: (pid: number) => void; allow(threads?: number): void; remove(): void }
  | undefined {
  for (const root of ["/sys/fs/cgroup/pids", "/sys/fs/cgroup"]) {
    const path = `${root}/mediatap-test-${process.pid}`;
    try {
      mkdirSync(path);
      if (existsSync(`${path}/pids.max`)) {
        return {
          add: (pid) => writeFileSync(`${path}/cgroup.procs`, String(pid)),
          allow: (threads) => {
            const now = Number(readFileSync(`${path}/pids.current`, "utf8"));
            writeFileSync(`${path}/pids.max`, threads === undefined ? "max" : String(now + threads));
          },
          remove: () => rmdirSync(path),
        };
      }
      rmdirSync(path);
    } catch {}
  }
  return undefined;
}

describe("a server that may start hardly any threads", () => {
  it("is busy with a picture, keeps no failure, and recovers by itself", async function () {
    const group = createGroup();
    if (!group) this.skip();
    const folder = await makeFolder({ "photo.jpg": await photo(60, 40), "package.json": "{}" });
    const server = await serving(["."], { cwd: folder.path });
    try {
      // The thread pool starts as a whole; libvips starts its threads with each picture, and crashes without two of them.
      assert.equal((await ask(server.port, "/photo.jpg?tr=orig-true")).status, 200);
      group.add(server.pid);
      group.allow(2);
      const { status, headers } = await ask(server.port, "/photo.jpg?tr=w-20");
      assert.deepEqual(
        [status, headers["ik-error"], headers["cache-control"]],
        [503, "EBUSY - The server is busy", "no-store"],
      );
      group.allow();
      assert.equal((await ask(server.port, "/photo.jpg?tr=w-20")).status, 200);
    } finally {
      server.kill("SIGKILL");
      await server.ended;
      group.remove();
      await folder.close();
    }
  });
});

describe("a server of several processes whose primary one can open no files", () => {
  let folder: TestFolder;
  let server: Serving;

  before(async function () {
    if (!existsSync(PRLIMIT)) this.skip();
    folder = await makeFolder({ "photo.jpg": await photo(60, 40) });
    server = await serving(["--workers", "2", "."], {
      cwd: folder.path,
      by: [PRLIMIT, "--nofile=4096:4096"],
    });
  });
  after(async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    await folder?.close();
  });

  it("goes on with the others, and replaces one that died when it can", async () => {
    const logged = (pattern: RegExp) => server.lines.filter(({ msg }) => pattern.test(String(msg)));
    const children = () =>
      readFileSync(`/proc/${server.pid}/task/${server.pid}/children`, "utf8").trim().split(" ").map(Number);
    const [first = 0, second = 0] = children();
    await allowFiles(server.pid, 0);
    process.kill(first, "SIGKILL");
    await until(() => logged(/^starting .*a worker failed/).length > 0, "it was tried in vain");
    const status = (path: string) =>
      ask(server.port, path).then(
        ({ status }) => status,
        () => 0,
      );
    assert.equal(await status("/tr:w-10/photo.jpg"), 200);
    await allowFiles(server.pid);
    await until(() => children().length === 2, "there are two again");
    assert(children().includes(second));
  });
});
