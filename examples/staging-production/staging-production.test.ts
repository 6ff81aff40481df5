import assert from "node:assert/strict";
import { startOrigin, type WebOrigin } from "@mediatap/test";
import { pixelsOf, plainPicture, serveExample } from "../serve.ts";

type Server = Awaited<ReturnType<typeof serveExample>>;

describe("example: staging and production", () => {
  let production: WebOrigin;
  let staging: WebOrigin;
  const servers: Server[] = [];
  before(async () => {
    production = await startOrigin({ "a.png": await plainPicture(300, 200, "#f00") });
    staging = await startOrigin({ "a.png": await plainPicture(300, 200, "#0f0") });
    process.env.PRODUCTION = production.url;
    process.env.STAGING = staging.url;
  });
  after(async () => {
    for (const server of servers) await server.close();
    await production.close();
    await staging.close();
    delete process.env.PRODUCTION;
    delete process.env.STAGING;
  });

  async function serve(file?: string): Promise<Server> {
    const server = await serveExample(import.meta.dirname, file);
    servers.push(server);
    return server;
  }

  async function colorOf(server: Server, path: string, host = "localhost"): Promise<string> {
    const { status, body, text } = await server.ask(path, { host });
    assert.equal(status, 200, text.slice(0, 200));
    const picture = await pixelsOf(body);
    assert.equal(picture.width, 150);
    return picture.at(75, 75)[0] === 0 ? "green" : "red";
  }

  it("has both in one server, apart in the caches, too", async () => {
    const server = await serve();
    for (const _ of ["cold", "warm"]) {
      assert.equal(await colorOf(server, "/tr:n-thumb,f-png/a.png"), "red");
      assert.equal(await colorOf(server, "/staging/tr:n-thumb,f-png/a.png"), "green");
      assert.equal(await colorOf(server, "/tr:n-thumb,f-png/a.png", "staging-img.example.com"), "green");
    }
    assert.equal(production.count("a.png"), 1);
    // no-cache: the origin is asked each time whether its file has changed, and sends it once.
    const downloads = staging.requests.filter(({ headers }) => headers["if-none-match"] === undefined);
    assert.equal(downloads.length, 1);
    assert.equal(staging.count("a.png"), 4);
    const { headers } = await server.ask("/staging/tr:n-thumb/a.png");
    assert.equal(headers["cache-control"], "no-cache");
  });

  it("has two servers of one preset", async () => {
    assert.equal(await colorOf(await serve("production.config.ts"), "/tr:n-thumb,f-png/a.png"), "red");
    const server = await serve("staging.config.ts");
    assert.equal(await colorOf(server, "/tr:n-thumb,f-png/a.png"), "green");
    assert.equal((await server.ask("/staging/tr:n-thumb/a.png")).status, 404);
  });
});
