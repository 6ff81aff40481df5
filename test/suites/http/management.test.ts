import assert from "node:assert/strict";
import { request } from "node:http";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import { echoEngine, jobLanguage, memoryStorage, startServer, type TestServer, until } from "@mediatap/test";

const KEY = "private_test_key";
const headers = { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` };

describe("the management", () => {
  let server: TestServer;
  /** What a call has read of its body, and why it ended. */
  const reads: { bytes: number; error?: unknown }[] = [];

  const calls: Plugin = {
    name: "calls",
    version: "0.1.0",
    apiVersion: 1,
    apply({ manage }) {
      const atRoot = { atRoot: true };
      manage(
        "POST",
        "/v1/things",
        async (request) => {
          const read: (typeof reads)[number] = { bytes: 0 };
          reads.push(read);
          try {
            for await (const chunk of request.stream()) {
              read.bytes += (chunk as Buffer).length;
              if (request.query.has("first")) break;
            }
          } catch (error) {
            read.error = error;
            throw error;
          }
          return { body: { bytes: read.bytes } };
        },
        atRoot,
      );
      manage(
        "PUT",
        "/v1/things",
        async (request) => ({ body: { bytes: (await request.body()).length } }),
        atRoot,
      );
      manage("GET", "/v1/things/:id", ({ params }) => ({ body: params }), atRoot);
      manage("GET", "/v1/failures", () => {
        throw new Error("a secret");
      });
    },
  };

  const start = (limits: NonNullable<MediatapConfig["limits"]> = {}) =>
    startServer({
      plugins: [jobLanguage(), memoryStorage(Buffer.from("x")), echoEngine(), calls],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
      privateKey: KEY,
      management: { compatible: true },
      limits,
    });

  before(async () => {
    server = await start();
  });
  after(() => server?.close());

  it("gives a call a body of any length as it arrives", async () => {
    const body = "x".repeat(5_000_000);
    const { status, text } = await server.ask("/-/api/v1/things", { method: "POST", headers, body });
    assert.deepEqual([status, text], [200, '{"bytes":5000000}']);
    const whole = await server.ask("/-/api/v1/things", {
      method: "PUT",
      headers,
      body: "x".repeat(1_000_000),
    });
    assert.equal(whole.text, '{"bytes":1000000}');
    const long = await server.ask("/-/api/v1/things", {
      method: "PUT",
      headers,
      body: "x".repeat(1_100_000),
    });
    assert.deepEqual(
      [long.status, JSON.parse(long.text).message],
      [400, "Expected a body of at most a megabyte"],
    );
    for (const method of ["POST", "PUT"]) {
      assert.equal((await server.ask("/-/api/v1/things", { method, headers })).text, '{"bytes":0}');
    }
  });

  it("answers a call that reads only the beginning of its body", async () => {
    const body = "x".repeat(900_000);
    const { status, text } = await server.ask("/-/api/v1/things?first", { method: "POST", headers, body });
    assert.equal(status, 200);
    assert(JSON.parse(text).bytes < body.length);
  });

  it("lets the body fail when the client disconnects", async () => {
    const { port } = server;
    const before = reads.length;
    const sent = request({
      ...{ host: "127.0.0.1", port, path: "/-/api/v1/things", method: "POST", agent: false },
      headers: { ...headers, "content-length": "1000" },
    });
    sent.on("error", () => {});
    sent.write("x".repeat(10));
    await until(() => reads[before]?.bytes === 10, "the beginning is read");
    sent.destroy();
    await until(() => reads[before]?.error !== undefined, "the call fails");
  });

  it("closes the connection of a client that takes too long to send a body", async () => {
    const impatient = await start({ request: 500 });
    try {
      for (const [method, path] of [
        ["PUT", "/-/api/v1/things"],
        ["PUT", "/-/api/v1/nothing"],
        ["GET", "/a.bin"],
      ] as const) {
        const sent = request({
          ...{ host: "127.0.0.1", port: impatient.port, path, method, agent: false },
          headers: { ...headers, "content-length": "1000" },
        });
        const closed = new Promise((resolve) => sent.once("close", resolve));
        sent.on("response", (response) => response.resume());
        sent.on("error", () => {});
        sent.write("x");
        await closed;
      }
    } finally {
      await impatient.close();
    }
  });

  it("answers an unknown call with JSON", async () => {
    const unknown = [
      ["GET", "/-/api/v1/nothing"],
      ["GET", "/-/api"],
      ["PATCH", "/-/api/v1/things"],
      ["PATCH", "/v1/things"],
      ["DELETE", "/v1/nothing/at/all"],
      ["POST", "/v1/nothing?a=b"],
    ] as const;
    for (const [method, path] of unknown) {
      const { status, text, headers: sent } = await server.ask(path, { method, headers });
      assert.equal(status, 404, `${method} ${path}`);
      assert.match(String(sent["content-type"]), /^application\/json/);
      assert.deepEqual(Object.keys(JSON.parse(text)), ["message", "help"]);
    }
    // Below the root it is the path of a file.
    assert.match((await server.ask("/v1/nothing.bin")).text, /"path":"v1\/nothing\.bin"/);
  });

  it("answers a call that fails with JSON, and reveals nothing", async () => {
    const { status, text } = await server.ask("/-/api/v1/failures", { headers });
    const help = "See the README of calls.";
    assert.deepEqual([status, JSON.parse(text)], [500, { message: "Internal error", help }]);
  });

  it("takes long ids at the root, too", async () => {
    const id = "i".repeat(1_500);
    for (const start of ["/-/api", ""]) {
      assert.deepEqual(JSON.parse((await server.ask(`${start}/v1/things/${id}`, { headers })).text), { id });
    }
  });
});
