import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { streamBody } from "../../src/http/request.ts";

describe("the body of a request as it arrives", () => {
  afterEach(() => mock.timers.reset());

  it("may take long in all, but not between two parts", async () => {
    mock.timers.enable({ apis: ["setTimeout"] });
    const sent = new PassThrough();
    const parts = streamBody(sent as never, 30_000)[Symbol.asyncIterator]();
    for (const text of ["one", "two", "three", "four"]) {
      const part = parts.next();
      await turn();
      mock.timers.tick(29_999);
      sent.write(text);
      assert.equal(String((await part).value), text);
      await turn();
    }
    const part = parts.next();
    mock.timers.tick(30_000);
    await assert.rejects(part, { code: "ETIMEDOUT", status: 408 });
  });
});
