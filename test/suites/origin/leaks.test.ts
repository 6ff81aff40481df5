import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { startOrigin, startServer, type TestServer, until, type WebOrigin } from "@mediatap/test";
import { webConfig } from "../support/plugins.ts";

/** More than sockets hold in between: what nobody reads is not sent. */
const LARGE = Buffer.alloc(12_000_000, "large");

describe("originals that pass through", () => {
  let origin: WebOrigin;
  let server: TestServer;
  let answers: ServerResponse[];
  const underWay = () => answers.filter((answer) => !answer.writableFinished && !answer.destroyed).length;
  const answering = (headers: Record<string, number>) => ({
    answer(_: unknown, response: ServerResponse) {
      answers.push(response);
      response.writeHead(200, headers).write(LARGE.subarray(0, 10));
      response.end(LARGE.subarray(10));
    },
  });
  beforeEach(async () => {
    answers = [];
    origin = await startOrigin({
      "known.bin": answering({ "content-length": LARGE.length }),
      "unknown.bin": answering({}),
    });
    server = await startServer({ ...webConfig([origin.url]), limits: { queueBytes: 4_000_000 } });
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  for (const path of ["known.bin", "unknown.bin"]) {
    it(`give back the memory that they took: ${path}`, async () => {
      for (let i = 0; i < 8; i++) {
        const { status, body } = await server.ask(`/${path}?v=${i}`);
        assert.equal(status, 200);
        assert(body.equals(LARGE));
      }
    });

    it(`leave no connection open that nobody reads: ${path}`, async () => {
      const all = await Promise.all([1, 2, 3].map((n) => server.ask(`/${path}?v=${n}`)));
      for (const { body } of all) assert(body.equals(LARGE));
      await until(() => underWay() === 0, "every answer is read or broken off");
    });

    it(`are given up with their last reader: ${path}`, async () => {
      const leaving = new AbortController();
      const asks = [1, 2].map((n) => server.ask(`/${path}?v=${n}`, { signal: leaving.signal }));
      await origin.asked(path);
      leaving.abort();
      for (const ask of asks) await assert.rejects(ask);
      await until(() => underWay() === 0, "every answer is broken off");
    });
  }
});
