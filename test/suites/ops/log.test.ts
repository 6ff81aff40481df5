import assert from "node:assert/strict";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import { makeFolder, raw, startOrigin, startServer, type TestFolder } from "@mediatap/test";
import { pino } from "pino";
import { photo } from "../support/photos.ts";
import { folderConfig, usual } from "../support/plugins.ts";
import { signed } from "../support/signed.ts";

const KEY = "private_key_of_the_log";

/** A log that keeps its lines. */
function recorder(level = "info") {
  const lines: string[] = [];
  const log = pino({ level }, { write: (line: string) => void lines.push(line) });
  return { lines, log };
}

describe("the log", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(60, 40), "x.txt": "x" });
  });
  after(() => folder.close());

  async function logged(config: MediatapConfig, work: (port: number) => Promise<unknown>) {
    const { lines, log } = recorder();
    const server = await startServer(config, { log: log as never });
    try {
      await work(server.port);
    } finally {
      await server.close();
    }
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  type Hook = "resolve" | "fetch" | "transform" | "authorize" | "respond";
  const failing = (at: Hook, error = new Error("what happened")): Plugin => ({
    name: "faulty",
    version: "1",
    apiVersion: 1,
    apply({ hooks }) {
      hooks[at].tapPromise({ name: "faulty", stage: -300 }, (): Promise<never> => Promise.reject(error));
    },
  });

  for (const hook of ["resolve", "fetch", "transform", "authorize"] as const) {
    it(`has one line for a plugin that fails in ${hook}: who, where, why, and which request`, async () => {
      let id = "";
      const lines = await logged(folderConfig(folder.path, failing(hook)), async (port) => {
        const [answer] = await raw(port, "GET /x.txt HTTP/1.1\r\nHost: x\r\n\r\n");
        assert.equal(answer?.status, 500);
        id = answer?.headers["x-request-id"] ?? "";
      });
      const errors = lines.filter(({ level }) => Number(level) >= 50);
      assert.equal(errors.length, 1, JSON.stringify(lines));
      const text = JSON.stringify(errors[0]);
      for (const part of ["faulty", hook, "what happened", id])
        assert(text.includes(part), `${part} in ${text}`);
    });
  }

  it("has a warning where a resource of the system is used up, which is no fault of the file", async () => {
    for (const code of ["EMFILE", "EAGAIN", "ENOSPC"]) {
      const error = Object.assign(new Error(`what happened, ${code}`), { code });
      const lines = await logged(folderConfig(folder.path, failing("transform", error)), async (port) => {
        const [answer] = await raw(port, "GET /x.txt HTTP/1.1\r\nHost: x\r\n\r\n");
        const { "retry-after": after, "cache-control": keep, "ik-error": name } = answer?.headers ?? {};
        assert.deepEqual(
          [answer?.status, name, after, keep],
          [503, "EBUSY - The server is busy", "5", "no-store"],
        );
        assert(!answer?.body.includes(code));
      });
      const [warning, ...others] = lines.filter(({ level }) => Number(level) >= 40);
      assert.deepEqual([warning?.level, others.length], [40, 0]);
      assert(JSON.stringify(warning).includes(`what happened, ${code}`));
    }
  });

  it("is silent about what clients get wrong, and about what is missing", async () => {
    const lines = await logged(folderConfig(folder.path), async (port) => {
      for (const path of ["/missing.jpg", "/tr:w-abc/photo.jpg", "/..%2f", "/photo.jpg?ik-s=1"])
        await raw(port, `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      await raw(port, "nonsense\r\n\r\n");
    });
    assert.deepEqual(
      lines.filter(({ level }) => Number(level) >= 40),
      [],
    );
  });

  it("shows no key, no signature and no line that a URL makes up", async () => {
    const config = { ...folderConfig(folder.path, failing("transform")), privateKey: KEY };
    const url = signed('/photo.jpg?v=%0a{"level":60,"msg":"forged"}'.replaceAll('"', "%22"), KEY);
    const signature = /ik-s=(\w+)/.exec(url)?.[1] ?? "-";
    const lines = await logged(config, async (port) => {
      const [answer] = await raw(
        port,
        `GET ${url} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\n\r\n`,
      );
      assert.equal(answer?.status, 500);
    });
    const text = lines.map((line) => JSON.stringify(line)).join("\n");
    for (const secret of [KEY, signature, "s3cret"]) assert(!text.includes(secret), secret);
    assert(!lines.some(({ msg }) => msg === "forged"));
  });

  it("says nothing of an origin's credentials when it fails", async () => {
    const origin = await startOrigin();
    const config: MediatapConfig = {
      plugins: usual(),
      origins: {
        web: {
          type: "WEB_FOLDER",
          baseUrl: origin.url,
          headers: { "x-api-key": "s3cret-header" },
          username: "user",
          password: "s3cret-password",
        },
      },
      endpoints: { default: { origins: ["web"] } },
    };
    await origin.close();
    const lines = await logged(config, async (port) => {
      const [answer] = await raw(port, "GET /photo.jpg HTTP/1.1\r\nHost: x\r\n\r\n");
      assert.equal(answer?.status, 404);
      assert(!JSON.stringify(answer).includes("s3cret"));
    });
    const text = JSON.stringify(lines);
    for (const secret of ["s3cret", Buffer.from("user:s3cret-password").toString("base64")])
      assert(!text.includes(secret), text);
  });

  it("keeps each line short", async () => {
    const lines = await logged(folderConfig(folder.path, failing("transform")), async (port) => {
      await raw(port, `GET /x.txt?v=${"a".repeat(7_000)} HTTP/1.1\r\nHost: x\r\n\r\n`);
    });
    for (const line of lines) assert(JSON.stringify(line).length < 10_000);
  });
});
