import assert from "node:assert/strict";
import { pixelsOf, serveExample } from "../serve.ts";

describe("example: a folder", () => {
  let server: Awaited<ReturnType<typeof serveExample>>;
  before(async () => {
    server = await serveExample(import.meta.dirname);
  });
  after(() => server.close());

  it("gives a picture in the size that the URL asks for", async () => {
    const answer = await server.ask("/tr:w-400,h-300/dogs.jpg");
    assert.equal(answer.headers["content-type"], "image/jpeg");
    const { width, height } = await pixelsOf(answer.body);
    assert.deepEqual([width, height], [400, 300]);
  });

  it("gives it as WebP to a client that takes WebP", async () => {
    const answer = await server.ask("/tr:w-40/dogs.jpg", { accept: "image/webp" });
    assert.equal(answer.headers["content-type"], "image/webp");
  });

  it("does not find what is outside of the folder", async () => {
    assert.equal((await server.ask("/mediatap.config.ts")).status, 404);
    assert.equal((await server.ask("/%2e%2e/mediatap.config.ts")).status, 400);
  });
});
