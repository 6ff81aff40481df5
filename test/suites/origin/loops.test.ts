import assert from "node:assert/strict";
import type { MediatapConfig } from "@mediatap/core";
import { ask, freePort, startOrigin, startServer, type TestServer } from "@mediatap/test";
import { photo } from "../support/photos.ts";
import { counter, usual } from "../support/plugins.ts";

/** Longer than a test may take: whoever waits for an origin that never answers fails. */
const FOREVER = 10 * 60_000;

/** A server whose only origin is at `port`; `name` tells it from the others. */
function serverBefore(port: number, name: string): MediatapConfig {
  return {
    plugins: usual(),
    limits: { originFirstByte: FOREVER, originTotal: FOREVER, request: FOREVER },
    origins: { [name]: { type: "WEB_FOLDER", baseUrl: `http://127.0.0.1:${port}` } },
    endpoints: { default: { origins: [name] } },
  };
}

describe("servers that are each other's origin", () => {
  const servers: TestServer[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()));
  });

  /** Servers in a ring: each one's origin is the next one. */
  async function ring(count: number): Promise<number[]> {
    const ports = await Promise.all(Array.from({ length: count }, freePort));
    for (const [at, port] of ports.entries()) {
      const next = ports[(at + 1) % count] as number;
      servers.push(await startServer(serverBefore(next, `next${at}`), { port }));
    }
    return ports;
  }

  for (const count of [2, 3]) {
    it(`do not wait for each other: ${count} of them, asked one after the other and all at once`, async () => {
      const ports = await ring(count);
      for (const path of ["/tr:w-50/photo.jpg", "/file.txt"]) {
        const answers = [await ask(ports[0] as number, path)];
        for (let round = 0; round < 3; round++) {
          answers.push(...(await Promise.all(ports.map((port) => ask(port, `${path}?round=${round}`)))));
        }
        for (const { status, headers } of answers) {
          assert.equal(status, 404);
          assert.match(headers["ik-error"] ?? "", /^(ENOENT|UNIDENTIFIED) /);
        }
      }
    });
  }

  it("keep no failure that is one only for requests that came in a circle", async () => {
    const [first = 0, second = 0] = await Promise.all([freePort(), freePort()]);
    const origin = await startOrigin({ "photo.jpg": await photo(60, 40) });
    const { origins = {}, ...config } = serverBefore(second, "second");
    const both: MediatapConfig = {
      ...config,
      origins: { ...origins, last: { type: "WEB_FOLDER", baseUrl: origin.url } },
      endpoints: { default: { origins: ["second", "last"] } },
    };
    servers.push(await startServer(both, { port: first }));
    servers.push(await startServer(serverBefore(first, "first"), { port: second }));
    // The second one has it from the first one, which has it from its last origin; not if the first one asks.
    assert.equal((await ask(first, "/tr:w-50/photo.jpg")).status, 200);
    assert.equal((await ask(second, "/photo.jpg")).status, 200);
    await origin.close();
  });
});

describe("CDN-Loop", () => {
  it("goes on to the origin with this server added, keeps nothing apart, and is bounded", async () => {
    const picture = await photo(60, 40);
    const origin = await startOrigin({ "photo.jpg": picture, "other.jpg": picture });
    const counted = counter();
    const config = serverBefore(origin.port, "origin");
    const server = await startServer({ ...config, plugins: usual(counted) });
    try {
      const from = (list: string) => ({ headers: { "cdn-loop": list } });
      assert.equal((await server.ask("/photo.jpg?tr=w-5", from("edge.example; v=1"))).status, 200);
      assert.match(
        String(origin.requests[0]?.headers["cdn-loop"]),
        /^edge\.example; v=1, mediatap; id=[0-9a-f]+$/,
      );
      // It is no input of a rendition.
      assert.equal((await server.ask("/photo.jpg?tr=w-5", from("mediatap; id=other"))).status, 200);
      const lists = ["a.example", "b.example; x=1", ""];
      const answers = await Promise.all(lists.map((list) => server.ask("/other.jpg?tr=w-6", from(list))));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
      assert.equal(counted.transforms(), 2);
      const long = await server.ask("/photo.jpg?tr=w-7", from(Array(30).fill("a.example").join(", ")));
      assert.equal(long.status, 508);
    } finally {
      await server.close();
      await origin.close();
    }
  });
});
