import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { chmod, cp, rm, truncate, writeFile } from "node:fs/promises";
import { get, type IncomingMessage, type ServerResponse } from "node:http";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import type { Storage } from "@mediatap/core/storage";
import { type Answer, startOrigin, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { pino } from "pino";
import { type Copies, makeCopies, plain, type Setting, seen, startWith, strange } from "./server.ts";

describe("cache-source: faults", () => {
  const film = randomBytes(4_000_000);
  let origin: WebOrigin;
  let copies: Copies;
  let server: TestServer;
  let lines: { level: number; msg: string; [field: string]: unknown }[];

  beforeEach(async () => {
    origin = await startOrigin({ "a.png": plain(200), "b.png": plain(100), "film.mp4": film });
    copies = await makeCopies();
    lines = [];
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
    await copies.close();
  });

  async function start(setting: Setting = {}, path = copies.path): Promise<void> {
    const log = pino({ level: "debug" }, { write: (line: string) => lines.push(JSON.parse(line)) });
    server = await startWith(origin, { path }, { log, ...setting });
  }

  const warnings = () => lines.filter(({ level }) => level >= 40);
  const isAsked = async (path: string, expected: boolean) => {
    const before = origin.requests.length;
    assert.equal((await server.ask(path)).status, 200);
    assert.equal(origin.requests.length > before, expected);
  };

  const isHit = ({ headers }: Answer) => /cache-source;[^,]*hit/.test(headers["server-timing"] ?? "");

  /** A file of which only half arrives. */
  const half = (response: ServerResponse) => {
    response.writeHead(200, { "content-length": film.length, etag: '"film"' });
    response.write(film.subarray(0, 2_000_000));
  };

  describe("of the original", () => {
    it("leave no copy when the connection dies half way", async () => {
      origin.files.set("film.mp4", { answer: (_, response) => half(response) });
      await start();
      const asked = origin.asked("film.mp4");
      const [answer] = (await once(get(`${server.url}/film.mp4`), "response")) as [IncomingMessage];
      await once(answer, "readable");
      (await asked).response.destroy();
      await assert.rejects(buffer(answer));
      await until(() => lines.some(({ msg }) => msg === "a copy was cancelled"), "the copy is given up");
      await copies.saved(0);
      assert.deepEqual(await copies.bytes(), []);
      origin.files.set("film.mp4", { bytes: film });
      assert((await server.ask("/film.mp4")).body.equals(film));
      await copies.saved(1);
    });

    it("leave no copy when the client leaves half way, and no warning", async () => {
      origin.files.set("film.mp4", { answer: (_, response) => half(response) });
      await start();
      const [response] = await once(get(`${server.url}/film.mp4`), "response");
      await once(response, "data");
      response.destroy();
      await until(() => lines.some(({ msg }) => msg === "a copy was cancelled"), "the copy is given up");
      await copies.saved(0);
      assert.deepEqual(await copies.bytes(), []);
      assert.deepEqual(warnings(), []);
    });

    it("leave no copy of a picture that is cut off", async () => {
      origin.files.set("a.png", {
        answer(_, response) {
          response.writeHead(200, { "content-length": plain(200).length });
          response.write(plain(200).subarray(0, 60), () => response.destroy());
        },
      });
      await start();
      assert.equal((await server.ask("/tr:w-10/a.png")).status, 404);
      assert.deepEqual(await copies.records(), []);
    });
  });

  describe("of the folder", () => {
    for (const [what, mode, told] of [
      ["written to", 0o555, "a cache cannot be written to; nothing is stored"],
      ["read", 0o000, "a cache cannot be read and is bypassed"],
    ] as const) {
      it(`are told in the log, and nowhere else, when it may not be ${what}`, async () => {
        await start({ config: { limits: { failureLifetime: 0 } } });
        await server.ask("/tr:w-10/b.png");
        await copies.saved(1);
        await chmod(copies.path, mode);
        await asNobody(async () => {
          for (const width of [10, 20]) {
            const { status, body, headers } = await server.ask(`/tr:w-${width},f-png/a.png`);
            assert.equal(status, 200);
            assert.deepEqual(await seen(body), { width, red: 200 });
            assert.equal(headers["x-mediatap-provenance"], undefined);
          }
          assert((await server.ask("/film.mp4")).body.equals(film));
          // Several failures in a row are needed, and a copy may be left out.
          let width = 20;
          await until(async () => {
            await server.ask(`/tr:w-${++width},f-png/a.png`);
            return warnings().some(({ msg }) => msg === told);
          }, "a line in the log");
        });
        await chmod(copies.path, 0o755);
        await until(() => server.ask("/tr:w-9/a.png").then(isHit), "a copy is there");
      });
    }

    it("make a miss of a record that is broken", async () => {
      await start();
      await server.ask("/tr:w-10/a.png");
      await copies.saved(1);
      for (const text of ["", "{", "null", '{"format":2}', "\0".repeat(500), " ".repeat(100_000)]) {
        const [path = ""] = await copies.records();
        await writeFile(join(copies.path, path), text);
        await isAsked("/tr:w-20/a.png", true);
        await copies.saved(1);
        await until(async () => (await copies.read(path)).includes("sum"), "it is written again");
        await isAsked("/tr:w-30/a.png", false);
      }
    });

    for (const [what, change] of [
      ["cut off", (path: string) => truncate(path, 10)],
      ["empty", (path: string) => truncate(path, 0)],
      ["zeros", (path: string) => writeFile(path, Buffer.alloc(plain(200).length))],
      ["of another file", (path: string) => writeFile(path, plain(100))],
      ["gone", (path: string) => rm(path)],
    ] as const) {
      it(`make a miss of bytes that are ${what}`, async () => {
        await start();
        await server.ask("/tr:w-10/a.png");
        await copies.saved(1);
        const [path = ""] = await copies.bytes();
        const [record = ""] = await copies.records();
        const text = async () => String(await copies.read(record).catch(() => ""));
        const before = await text();
        await change(join(copies.path, path));
        const { body } = await server.ask("/tr:w-20,f-png/a.png");
        assert.deepEqual(await seen(body), { width: 20, red: 200 });
        assert.equal(origin.requests.length, 2);
        await until(async () => !["", before].includes(await text()), "it is written again");
        await isAsked("/tr:w-30/a.png", false);
      });
    }

    it("make a miss of a record in another's place", async () => {
      await start();
      await server.ask("/tr:w-10/a.png");
      await copies.saved(1);
      const [a = ""] = await copies.records();
      await server.ask("/tr:w-10/b.png");
      await copies.saved(2);
      const b = (await copies.records()).find((path) => path !== a) ?? "";
      await cp(join(copies.path, a), join(copies.path, b));
      const { body } = await server.ask("/tr:w-20,f-png/b.png");
      assert.equal((await seen(body)).red, 100);
    });

    it("are none when it was moved: bytes are known by their checksum", async () => {
      await start();
      await server.ask("/tr:w-10/a.png");
      await copies.saved(1);
      await server.close();
      const moved = await makeCopies();
      try {
        // Other inodes and times.
        await cp(copies.path, moved.path, { recursive: true });
        await origin.close();
        await start({}, moved.path);
        for (const width of [20, 30]) assert.equal((await server.ask(`/tr:w-${width}/a.png`)).status, 200);
      } finally {
        await server.close();
        await moved.close();
      }
    });
  });

  describe("of the storage", () => {
    it("cost no answer, and a few tries in a while, when it fails", async () => {
      let opened = 0;
      const broken: Partial<Storage> = {
        open: () => {
          opened++;
          return Promise.reject(new Error("down"));
        },
      };
      const limits = { failureLifetime: 3_600_000 };
      const origins = { copies: { type: "STRANGE" } };
      await start({ plugins: [strange(broken)], config: { origins, limits } });
      const askAll = async (...widths: number[]) => {
        for (const width of widths) {
          assert.equal((await server.ask(`/tr:w-${width}/a.png`)).status, 200);
        }
      };
      await askAll(10, 20, 30, 40);
      await until(() => warnings().length === 2, "it is left alone");
      const before = opened;
      await askAll(50, 60);
      assert.equal(opened, before);
      assert(opened <= 6, `${opened} tries`);
      assert.deepEqual(
        warnings()
          .map(({ msg }) => msg)
          .sort(),
        ["a cache cannot be read and is bypassed", "a cache cannot be written to; nothing is stored"],
      );
    });

    it("cost no answer when it never answers", async () => {
      const never: Partial<Storage> = {
        open: (_, { signal }) =>
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      };
      await start({ plugins: [strange(never)], config: { origins: { copies: { type: "STRANGE" } } } });
      for (const width of [10, 20]) assert.equal((await server.ask(`/tr:w-${width}/a.png`)).status, 200);
    });

    it("lead to the origin when the bytes of a copy break off", async () => {
      const files = new Map<string, Buffer>();
      const memory: Partial<Storage> = {
        write: async (path, body) => {
          files.set(path, body instanceof Uint8Array ? Buffer.from(body) : await buffer(body));
        },
        open: async (path) => {
          const bytes = files.get(path);
          if (!bytes) return undefined;
          const part = new PassThrough();
          part.write(bytes.subarray(0, 20));
          const body = () => {
            setImmediate(() => part.destroy(new Error("broke off")));
            return part;
          };
          return { size: bytes.length, body: path.endsWith(".json") ? () => Readable.from([bytes]) : body };
        },
      };
      await start({ plugins: [strange(memory)], config: { origins: { copies: { type: "STRANGE" } } } });
      assert.equal((await server.ask("/tr:w-10/a.png")).status, 200);
      await until(() => files.size === 2, "a copy is there");
      for (const width of [20, 30]) {
        const { body } = await server.ask(`/tr:w-${width},f-png/a.png`);
        assert.deepEqual(await seen(body), { width, red: 200 });
      }
      assert.equal(origin.requests.length, 3);
    });

    it("cost no answer when it takes no more bytes", async () => {
      const { promise: released, resolve: release } = Promise.withResolvers<void>();
      const full: Partial<Storage> = {
        write: async (_, body) => {
          if (!(body instanceof Uint8Array)) await once(body, "readable");
          await released;
        },
      };
      await start({ plugins: [strange(full)], config: { origins: { copies: { type: "STRANGE" } } } });
      const large = randomBytes(30_000_000);
      origin.files.set("film.mp4", { bytes: large });
      assert((await server.ask("/film.mp4")).body.equals(large));
      // A second reader is not kept waiting by the first copy.
      assert((await server.ask("/film.mp4")).body.equals(large));
      release();
    });
  });

  it("does not keep files that are too large, whether or not the origin says how large", async () => {
    origin.files.set("silent.mp4", {
      answer(_, response) {
        response.write(film);
        response.end();
      },
    });
    await start({ options: { maxFileBytes: 3_000_000 } });
    for (const path of ["/film.mp4", "/silent.mp4"]) assert((await server.ask(path)).body.equals(film));
    await until(() => lines.some(({ reason }) => reason === "the file is too large"), "it is given up");
    await server.ask("/tr:w-10/a.png");
    await copies.saved(1);
    assert.equal((await copies.bytes()).length, 1);
    assert.deepEqual(warnings(), []);
  });
});

/** Root may do everything: the process is somebody else for as long as this takes. */
async function asNobody(work: () => Promise<void>): Promise<void> {
  const isRoot = process.getuid?.() === 0;
  if (isRoot) process.seteuid?.("nobody");
  try {
    await work();
  } finally {
    if (isRoot) process.seteuid?.(0);
  }
}
