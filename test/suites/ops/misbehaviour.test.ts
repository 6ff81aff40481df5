import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, until } from "@mediatap/test";
import { photo } from "../support/photos.ts";
import { folderConfig, type Gate, gate } from "../support/plugins.ts";

describe("plugins that misbehave", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(60, 40), "gate/x.txt": "x" });
  });
  after(() => folder.close());

  const bad: Record<string, (path: string) => unknown> = {
    "throws at once": () => {
      throw new Error("secret-stack /etc/passwd");
    },
    "throws a string": () => {
      throw "secret-stack";
    },
    "throws undefined": () => {
      throw undefined;
    },
    "rejects later": () => new Promise((_, reject) => setImmediate(reject, new Error("secret-stack"))),
    "gives a plan that fails": () => ({
      engine: "bad",
      lane: "light",
      cost: 1,
      memory: 0,
      explain: () => ({}),
      run: () => Promise.reject(new Error("secret-stack")),
    }),
    "gives a plan that throws": () => ({
      engine: "bad",
      lane: "light",
      cost: 1,
      memory: 0,
      explain: () => ({}),
      run() {
        throw new Error("secret-stack");
      },
    }),
    "gives a plan without work": () => ({ engine: "bad" }),
    "gives a number": () => 42,
    "gives a rendition of a wrong shape": () => ({
      engine: "bad",
      lane: "light",
      cost: 1,
      memory: 0,
      explain: () => ({}),
      run: async () => ({ bytes: "secret-stack" }),
    }),
    "gives no rendition": () => ({
      engine: "bad",
      lane: "light",
      cost: 1,
      memory: 0,
      explain: () => ({}),
      run: async () => undefined,
    }),
  };

  for (const [what, act] of Object.entries(bad)) {
    it(`costs one request when transform ${what}`, async () => {
      const server = await startServer(
        folderConfig(folder.path, {
          name: "bad",
          version: "1",
          apiVersion: 1,
          apply({ hooks }) {
            hooks.transform.tapPromise({ name: "bad", stage: -200 }, async ({ asset }) =>
              asset.path.startsWith("gate/") ? (act(asset.path) as never) : undefined,
            );
          },
        }),
      );
      try {
        const answer = await server.ask("/gate/x.txt?tr=w-5");
        assert.equal(answer.status, 500, answer.headers["ik-error"]);
        assert.match(answer.headers["ik-error"] ?? "", /^EINTERNAL/);
        assert.equal(answer.headers["cache-control"], "no-store");
        assert(!`${JSON.stringify(answer.headers)}${answer.text}`.includes("secret-stack"));
        assert.equal((await server.ask("/tr:w-20/photo.jpg")).status, 200);
      } finally {
        await server.close();
      }
    });
  }

  it("goes on when null is returned from every hook that may pass", async () => {
    const server = await startServer(
      folderConfig(folder.path, {
        name: "nothing",
        version: "1",
        apiVersion: 1,
        apply({ hooks }) {
          for (const name of ["resolve", "fetch", "transform", "substitute"] as const) {
            hooks[name].tap({ name: "nothing", stage: -1000 }, () => null as never);
          }
          hooks.inspect.for("header").tap({ name: "nothing", stage: -1000 }, () => null as never);
        },
      }),
    );
    try {
      assert.equal((await server.ask("/tr:w-20/photo.jpg")).status, 200);
      assert.equal((await server.ask("/missing.jpg")).status, 404);
    } finally {
      await server.close();
    }
  });

  it("is delivered past a cache that is broken in every way", async () => {
    const server = await startServer(
      folderConfig(folder.path, {
        name: "broken-cache",
        version: "1",
        apiVersion: 1,
        apply({ cache }) {
          const fail = () => {
            throw new Error("disk full");
          };
          const options = { settings: {}, maxEntryBytes: 1_000_000 };
          cache({ ...options, tier: "memory", open: () => ({ get: fail, put: fail, delete: fail }) });
          const reject = () => Promise.reject(new Error("no cache"));
          cache({ ...options, tier: "memory", open: () => ({ get: reject, put: reject, delete: reject }) });
          cache({
            ...options,
            tier: "network",
            timeout: 1_000,
            open: () => ({ get: reject, put: fail, delete: fail, start: reject }),
          });
        },
      }),
    );
    try {
      for (let i = 0; i < 3; i++) assert.equal((await server.ask("/tr:w-20/photo.jpg")).status, 200);
      // The cache behind it still works: a broken one hides nothing.
      assert.match((await server.ask("/tr:w-20/photo.jpg")).headers["cache-status"] ?? "", /hit/);
    } finally {
      await server.close();
    }
  });

  it("is delivered when a reporter throws", async () => {
    const server = await startServer(
      folderConfig(folder.path, {
        name: "reporter",
        version: "1",
        apiVersion: 1,
        apply({ hooks }) {
          hooks.report.tap("reporter", () => {
            throw new Error("no metrics today");
          });
        },
      }),
    );
    try {
      assert.equal((await server.ask("/tr:w-20/photo.jpg")).status, 200);
      assert.equal((await server.ask("/missing.jpg")).status, 404);
      assert.equal((await server.ask("/tr:w-20/photo.jpg")).status, 200);
    } finally {
      await server.close();
    }
  });

  it("answers, though plainly, when a header writer throws", async () => {
    const server = await startServer(
      folderConfig(folder.path, {
        name: "writer",
        version: "1",
        apiVersion: 1,
        apply({ hooks }) {
          hooks.respond.tap("writer", () => {
            throw new Error("secret-stack");
          });
        },
      }),
    );
    try {
      const answer = await server.ask("/tr:w-20/photo.jpg");
      assert.equal(answer.status, 500);
      assert(!answer.text.includes("secret-stack"));
      assert.equal((await server.ask("/-/live")).status, 200);
    } finally {
      await server.close();
    }
  });

  it("lets a header writer put no line of its own into the answer", async () => {
    const server = await startServer(
      folderConfig(folder.path, {
        name: "writer",
        version: "1",
        apiVersion: 1,
        apply({ hooks }) {
          hooks.respond.tap("writer", (reply) => {
            reply.headers["x-bad"] = "a\r\nx-evil: 1";
          });
        },
      }),
    );
    try {
      const answer = await server.ask("/tr:w-20/photo.jpg");
      assert.equal(answer.headers["x-evil"], undefined);
      assert.equal((await server.ask("/-/live")).status, 200);
    } finally {
      await server.close();
    }
  });

  for (const hook of ["resolve", "admit", "fetch", "authorize", "transform", "respond"] as const) {
    it(`is cut off when ${hook} never comes back, and harms no other`, async () => {
      const forever = new Promise<never>(() => {});
      let hangs = true;
      const server = await startServer({
        ...folderConfig(folder.path, {
          name: "hanging",
          version: "1",
          apiVersion: 1,
          apply({ hooks }) {
            const tap = { name: "hanging", stage: -500 };
            hooks[hook].tapPromise(tap, async () => (hangs ? await forever : (undefined as never)));
          },
        }),
        limits: { request: 200 },
      });
      try {
        const answer = await server.ask("/tr:w-22/photo.jpg");
        assert(answer.status >= 500, `${answer.status}`);
        if (hook !== "respond") assert.equal(answer.status, 504);
        hangs = false;
        // A busy machine may be slower than its limit.
        await until(async () => (await server.ask("/tr:w-23/photo.jpg")).status === 200, "it serves others");
      } finally {
        await server.close();
      }
    });
  }

  it("is cut off when its work hangs", async () => {
    const stuck: Gate = gate();
    const server = await startServer({ ...folderConfig(folder.path, stuck), limits: { request: 300 } });
    try {
      const answer = await server.ask("/gate/x.txt?tr=w-5");
      assert.equal(answer.status, 504);
      assert.match(answer.headers["ik-error"] ?? "", /^ETIMEDOUT/);
      await until(async () => (await server.ask("/tr:w-20/photo.jpg")).status === 200, "it serves others");
    } finally {
      stuck.open();
      await server.close();
    }
  });
});
