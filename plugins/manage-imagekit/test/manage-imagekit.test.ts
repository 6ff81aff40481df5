import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { echoEngine, jobLanguage, memoryStorage, startServer, type TestServer, until } from "@mediatap/test";

const KEY = "private_test_key";
const PATH = "/-/api/v1/files/purge";
const headers = { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` };

describe("manage-imagekit", () => {
  let server: TestServer;
  afterEach(() => server.close());

  async function start(management: { compatible?: boolean; purgesPerMinute?: number } = {}): Promise<void> {
    const storage = memoryStorage(Buffer.from("x"));
    server = await startServer({
      plugins: [jobLanguage(), storage, echoEngine(), cacheMemory(), manageImagekit()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
      privateKey: KEY,
      management,
    });
  }
  const purge = (path: string, body: string) => server.ask(path, { method: "POST", headers, body });
  const isHit = async () => / hit/.test((await server.ask("/a.bin")).headers["cache-status"] ?? "");

  it("purges a URL and returns the state in the words of ImageKit", async () => {
    await start();
    await server.ask("/a.bin");
    assert(await isHit());
    const { status, text } = await purge(PATH, '{"url":"/a.bin"}');
    assert.equal(status, 201);
    const { requestId } = JSON.parse(text);
    const state = async () => JSON.parse((await server.ask(`${PATH}/${requestId}`, { headers })).text).status;
    await until(async () => (await state()) === "Completed", "it is completed");
    assert(!(await isHit()));
    const unknown = await server.ask(`${PATH}/abc`, { headers });
    assert.deepEqual(
      [unknown.status, JSON.parse(unknown.text)],
      [400, { message: "No request found for this requestId.", help: "See the README of manage-imagekit." }],
    );
  });

  it("returns the rate limit with each response, and refuses what is beyond it", async () => {
    await start({ purgesPerMinute: 2 });
    const answers = [];
    for (const body of ['{"all":true}', "{", '{"all":true}']) answers.push(await purge(PATH, body));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [201, 400, 429],
    );
    for (const answer of answers) {
      assert.equal(answer.headers["x-ratelimit-limit"], "2");
      assert.equal(answer.headers["x-ratelimit-interval"], "60000");
      const reset = Number(answer.headers["x-ratelimit-reset"]);
      assert(reset > 0 && reset <= 60_000);
    }
    assert.equal(answers[2]?.headers["retry-after"], "60");
    assert.deepEqual(Object.keys(JSON.parse(answers[2]?.text ?? "")), ["message", "help"]);
  });

  it("is served at the path of ImageKit only if management.compatible is set", async () => {
    await start();
    assert.equal((await purge("/v1/files/purge", '{"all":true}')).status, 405);
    await server.close();
    await start({ compatible: true });
    const { status, text } = await purge("/v1/files/purge", '{"all":true}');
    assert.equal(status, 201);
    const state = await server.ask(`/v1/files/purge/${JSON.parse(text).requestId}`, { headers });
    assert.match(JSON.parse(state.text).status, /^(?:Pending|Completed)$/);
    // Files below the path are files.
    assert.equal((await server.ask("/v1/files/purge/a.bin")).status, 200);
  });
});
