import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { makeFolder, type TestFolder } from "@mediatap/test";
import { pixelsOf, plainPicture, serveExample } from "../serve.ts";

describe("example: tenants", () => {
  let acme: TestFolder;
  let beta: TestFolder;
  let server: Awaited<ReturnType<typeof serveExample>>;
  const host = { host: "img.acme.example" };
  /** A URL without expiry (ImageKit's manual, "signed URLs"). */
  const signed = (path: string, key = "the private key of acme") =>
    `/${path}?ik-s=${createHmac("sha1", key).update(`${path}9999999999`).digest("hex")}`;

  before(async () => {
    acme = await makeFolder({ "a.png": await plainPicture(200, 200, "#f00") });
    beta = await makeFolder({
      "a.png": await plainPicture(200, 200, "#00f"),
      "large.png": await plainPicture(4000, 3000, "#00f"),
    });
    process.env.ACME = acme.path;
    process.env.ACME_KEY = "the private key of acme";
    process.env.BETA = beta.path;
    server = await serveExample(import.meta.dirname);
  });
  after(async () => {
    await server.close();
    await acme.close();
    await beta.close();
    for (const name of ["ACME", "ACME_KEY", "BETA"]) delete process.env[name];
  });

  it("gives each its own file under one name, and its own named transformation, cold and warm", async () => {
    for (const _ of ["cold", "warm"]) {
      const ours = await pixelsOf((await server.ask(signed("tr:n-thumb,f-png/a.png"), host)).body);
      assert.deepEqual([ours.width, ours.at(1, 1)], [150, [255, 0, 0]]);
      const theirs = await pixelsOf((await server.ask("/beta/tr:n-thumb,f-png/a.png")).body);
      assert.deepEqual([theirs.width, theirs.at(1, 1)], [80, [0, 0, 255]]);
    }
  });

  it("opens nothing of one by the address or the key of another", async () => {
    assert.equal((await server.ask("/a.png", host)).status, 401);
    assert.equal((await server.ask(signed("a.png", "the private key of beta"), host)).status, 401);
    assert.equal((await server.ask("/acme/a.png")).status, 404);
    assert.equal((await server.ask(signed("beta/a.png"), host)).status, 404);
  });

  it("answers one's validators to no other", async () => {
    const { headers } = await server.ask("/beta/tr:w-50,f-png/a.png");
    const held = { "if-none-match": headers.etag ?? "" };
    assert.equal((await server.ask("/beta/tr:w-50,f-png/a.png", held)).status, 304);
    assert.equal((await server.ask(signed("tr:w-50,f-png/a.png"), { ...host, ...held })).status, 200);
  });

  it("has limits for one alone", async () => {
    const { status, headers } = await server.ask("/beta/tr:w-10/large.png");
    assert.equal(status, 400);
    assert.match(headers["ik-error"] ?? "", /^ELIMIT /);
    await acme.write("large.png", await plainPicture(4000, 3000, "#f00"));
    assert.equal((await server.ask(signed("tr:w-10/large.png"), host)).status, 200);
  });

  it("counts each by its name", async () => {
    const { text } = await server.ask("/-/counts");
    assert.match(text, /^requests_total\{tenant="acme",endpoint="default",status="401"\} \d+$/m);
    assert.match(text, /^requests_total\{tenant="beta",endpoint="default",status="200"\} \d+$/m);
  });
});
