import assert from "node:assert/strict";
import { sign } from "@mediatap/url-imagekit";
import fc from "fast-check";
import sharp from "sharp";
import { type Client, type Console, KEY, SHOP_KEY, signIn, startConsole } from "./support.ts";

describe("page-console: the calls of Inspect", () => {
  let console: Console;
  let client: Client;
  let shop: Client;
  before(async () => {
    console = await startConsole();
    client = await signIn(console.server);
    shop = await signIn(console.server, SHOP_KEY);
  });
  after(() => console.close());

  const pathOf = (call: string, url: string, accept = "image/webp") =>
    `/-/console/data/${call}?${new URLSearchParams({ url, accept })}`;
  const explain = async (url: string, by = client) => JSON.parse((await by.ask(pathOf("explain", url))).text);
  const seenIn = (header = "") => JSON.parse(Buffer.from(header, "base64url").toString("utf8"));

  it("explain a URL, what each cache has of it before and after a request", async () => {
    const url = "/tr:w-100/a.png";
    const before = await explain(url);
    assert.deepEqual([before.status, before.endpoint.name, before.signature], [200, "default", "unsigned"]);
    assert.deepEqual(before.tiers, [{ name: "cache-memory", tier: "memory", state: "miss" }]);
    const { status, headers, body } = await client.ask(pathOf("answer", url));
    assert.equal(status, 200);
    assert.equal(headers["content-type"], "image/webp");
    const { width, format } = await sharp(body).metadata();
    assert.deepEqual([width, format], [100, "webp"]);
    const seen = seenIn(headers["x-answer"]);
    assert.equal(seen.status, 200);
    const names = Object.fromEntries(seen.headers);
    assert.match(names["server-timing"], /transformation;dur=/);
    assert.match(names["cache-status"], /fwd=miss; stored/);
    const [tier] = (await explain(url)).tiers;
    assert.deepEqual([tier.name, tier.state, tier.bytes], ["cache-memory", "fresh", body.length]);
    assert.ok(tier.freshUntil > tier.stored);
  });

  it("report an error of the URL as the client gets it", async () => {
    const { status, errors } = await explain("/tr:w-abc/a.png");
    assert.deepEqual([status, errors[0].code], [400, "EINVAL"]);
    const { headers, text } = await client.ask(pathOf("answer", "/tr:w-abc/a.png"));
    assert.equal(seenIn(headers["x-answer"]).status, 400);
    assert.match(text, /'abc'/);
  });

  it("name the mistake in a signature, and sign the URL", async () => {
    const wrong = `/closed/a.png?v=1&ik-s=${sign("a.png", KEY)}`;
    const { status, signature, signatureFault } = await explain(wrong);
    assert.deepEqual([status, signature], [401, "wrong"]);
    assert.equal(signatureFault, "It was made without the query.");
    const body = JSON.stringify({ url: `https://images.test${wrong}` });
    const { text } = await client.ask("/-/console/data/sign", { method: "POST", body });
    const { url } = JSON.parse(text);
    assert.equal(url, `https://images.test/closed/a.png?v=1&ik-s=${sign("a.png?v=1", KEY)}`);
    assert.deepEqual([(await explain(url)).status, (await explain(url)).signature], [200, "valid"]);
  });

  it("return no original without a key that its own URL would not show", async () => {
    const open = await startConsole({ open: true });
    try {
      assert.equal((await open.server.ask(pathOf("original", "/a.png"))).status, 200);
      const { status, text } = await open.server.ask(pathOf("original", "/closed/a.png"));
      assert.deepEqual([status, text.includes("PNG")], [401, false]);
    } finally {
      await open.close();
    }
  });

  it("return the original's bytes, and a preview of what browsers do not show", async () => {
    const { headers, body } = await client.ask(pathOf("original", "/closed/tr:w-50/a.png"));
    assert.deepEqual([headers["content-type"], headers["x-preview"]], ["image/png", undefined]);
    assert.equal((await sharp(body).metadata()).width, 600);
    assert.match(headers["content-security-policy"] ?? "", /^sandbox/);
    assert.equal((await client.ask(pathOf("original", "/missing.png"))).status, 404);
  });

  it("send no page, no call and nothing that names no file to the server itself", async () => {
    for (const url of [
      "/-/console/session",
      "/-/live",
      "/-/api/v1/purges/x",
      "http://localhost/-/live",
      "/",
    ]) {
      assert.equal((await client.ask(pathOf("answer", url))).status, 404, url);
    }
  });

  it("show a text as a text, whatever is in it", async () => {
    const { headers, text } = await client.ask(pathOf("answer", "/folder/page.html"));
    assert.deepEqual(
      [headers["content-type"], text],
      ["text/plain; charset=utf-8", "<script>only text</script>"],
    );
  });

  it("know the last requests, of the own account only and without signatures", async () => {
    await console.server.ask("/tr:w-33/a.png?ik-s=0123456789abcdef");
    await console.server.ask("/shop/tr:w-44/a.png");
    const recent = async (by: Client) => JSON.parse((await by.ask("/-/console/data/recent")).text);
    const [mine, theirs] = [await recent(client), await recent(shop)];
    assert.equal(mine[0].url, "/tr:w-33/a.png?ik-s=***");
    assert.deepEqual(
      theirs.map(({ url }: { url: string }) => url),
      ["/shop/tr:w-44/a.png"],
    );
    assert.ok(mine.every(({ url }: { url: string }) => !url.startsWith("/shop/")));
  });

  it("refuse URLs of another account", async () => {
    for (const [by, url] of [
      [shop, "/a.png"],
      [shop, "/closed/a.png"],
      [client, "/shop/a.png"],
    ] as const) {
      const { status, errors, source } = await explain(url, by);
      assert.deepEqual([status, errors[0].code, source], [403, "EFORBIDDEN", undefined], url);
      for (const call of ["answer", "original"]) {
        assert.equal((await by.ask(pathOf(call, url))).status, 403, `${call} ${url}`);
      }
      const body = JSON.stringify({ url });
      assert.equal((await by.ask("/-/console/data/sign", { method: "POST", body })).status, 403, url);
    }
    assert.equal((await explain("/shop/a.png", shop)).status, 200);
  });

  it("get 400 without a URL", async () => {
    assert.equal((await client.ask("/-/console/data/explain")).status, 400);
    assert.equal(
      (await client.ask("/-/console/data/sign", { method: "POST", body: '{"url":""}' })).status,
      400,
    );
  });

  it("get no 500, whatever they are asked for", async () => {
    const odd = fc.oneof(
      fc.string({ unit: "binary", maxLength: 60 }),
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.constantFrom(
        "/a.png",
        "/tr:w-20/a.png",
        "//a.png",
        "http://",
        "http://x y/a.png",
        "http://ö.test/a.png",
        "http://a:b@c/a.png",
      ),
    );
    const accept = fc.oneof(fc.constant("image/webp"), fc.string({ unit: "binary", maxLength: 20 }));
    await fc.assert(
      fc.asyncProperty(odd, accept, async (url, accept) => {
        for (const call of ["explain", "answer", "original"]) {
          const { status } = await client.ask(pathOf(call, url, accept));
          assert.ok(status < 500, `${status} for ${call} of ${JSON.stringify([url, accept])}`);
        }
        const body = JSON.stringify({ url });
        assert.ok((await client.ask("/-/console/data/sign", { method: "POST", body })).status < 500, url);
      }),
      { numRuns: 60 },
    );
  });
});
