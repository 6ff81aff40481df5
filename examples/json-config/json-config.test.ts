import assert from "node:assert/strict";
import { pixelsOf, serveExample } from "../serve.ts";

describe("example: a configuration without code", () => {
  let server: Awaited<ReturnType<typeof serveExample>>;
  before(async () => {
    server = await serveExample(import.meta.dirname);
  });
  after(() => server.close());

  it("knows the named transformation", async () => {
    const { body } = await server.ask("/tr:n-thumb/dogs.jpg");
    const { width, height } = await pixelsOf(body);
    assert.deepEqual([width, height], [120, 120]);
  });

  it("has what its presets bring: timings, and browsers that ask again", async () => {
    const { headers } = await server.ask("/tr:w-10/logo.png");
    assert.match(headers["server-timing"] ?? "", /transformation;dur=/);
    assert.match(headers["cache-control"] ?? "", /max-age=0/);
  });
});
