import assert from "node:assert/strict";
import { makeFolder, runInProcess, type TestFolder } from "@mediatap/test";
import { sign } from "@mediatap/url-imagekit";
import { parseExpiry } from "../../src/cli/sign.ts";

const CONFIG = {
  plugins: [
    "@mediatap/url-imagekit",
    "@mediatap/url-ipx",
    "@mediatap/url-services/bunny",
    "@mediatap/storage-fs",
  ],
  origins: { files: { type: "FOLDER", path: "." } },
  endpoints: {
    default: { origins: ["files"], languages: ["url-imagekit"] },
    nuxt: { origins: ["files"], languages: ["url-ipx"], privateKey: "a key that IPX has no use for" },
    tokens: { origins: ["files"], languages: ["url-bunny"], privateKey: "key of tokens" },
    shop: {
      origins: ["files"],
      languages: ["url-imagekit"],
      hosts: ["img.example.com"],
      privateKeys: ["key of the shop", "old key"],
    },
  },
};

describe("mediatap sign", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder({ "mediatap.config.json": JSON.stringify(CONFIG) });
  });
  after(() => folder.close());
  const run = (...args: string[]) => runInProcess(["sign", ...args], folder.path);

  it("prints the signed URL alone, and beside it which endpoint's key signed", async () => {
    const { code, out, err } = await run("/shop/tr:w-40/photo.png?v=1&ik-s=wrong");
    assert.equal(code, 0, err);
    assert.equal(
      out,
      `/shop/tr:w-40/photo.png?v=1&ik-s=${sign("tr:w-40/photo.png?v=1", "key of the shop")}\n`,
    );
    assert.equal(err, "signed with the first private key of the endpoint shop (url-imagekit)\n");
  });

  it("finds the endpoint of an absolute URL by its host, and keeps scheme and host", async () => {
    const { code, out, err } = await run("https://img.example.com/photo.png", "--expires", "2099-01-31");
    assert.equal(code, 0, err);
    const time = Date.UTC(2099, 0, 31) / 1000;
    const signature = sign("photo.png", "key of the shop", time);
    assert.equal(out, `https://img.example.com/photo.png?ik-t=${time}&ik-s=${signature}\n`);
    assert.match(err, /, expires 2099-01-31T00:00:00\.000Z\n$/);
  });

  it("signs URLs that need an expiry", async () => {
    const { code, out, err } = await run("/tokens/photo.png?width=40", "--expires", "2099-01-31");
    assert.equal(code, 0, err);
    assert.match(out, /^\/tokens\/photo\.png\?width=40&expires=4073500800&token=HS256-[\w-]{43}\n$/);
  });

  it("prints JSON for programs", async () => {
    const { out, err } = await run("/shop/photo.png", "--json");
    const { url, ...rest } = JSON.parse(out) as Record<string, string>;
    assert.match(url ?? "", /^\/shop\/photo\.png\?ik-s=[0-9a-f]{40}$/);
    assert.deepEqual([rest, err], [{ endpoint: "shop", language: "url-imagekit" }, ""]);
  });

  it("names the remedy where it cannot sign", async () => {
    const refused: readonly (readonly [args: readonly string[], message: RegExp])[] = [
      [["/photo.png"], /^mediatap: The endpoint default has no private key: set its field privateKey$/m],
      [
        ["/nuxt/_ipx/w_40/photo.png"],
        /^mediatap: URLs of url-ipx have no signatures: an endpoint restricts them by its rules$/m,
      ],
      [
        ["/tokens/photo.png?width=40"],
        /^mediatap: The private key of the endpoint tokens makes no signature for this URL of url-bunny: add an expiry, or change the key$/m,
      ],
      [["/shop/tr:w-abc/photo.png"], /^mediatap: the URL is invalid: Expected .* for w but received 'abc'$/m],
    ];
    for (const [args, message] of refused) {
      const { code, out, err } = await run(...args);
      assert.deepEqual([code, out], [1, ""], err);
      assert.match(err, message);
    }
    const { code, err } = await run("/shop/photo.png", "--expires", "yesterday");
    assert.equal(code, 2);
    assert.match(err, /Expected a duration such as 15m, 12h or 7d, or a date such as 2030-01-31/);
  });
});

describe("an expiry on the command line", () => {
  const NOW = Date.UTC(2030, 0, 1);
  const start = NOW / 1000;

  it("is a duration from now, or a date", () => {
    assert.equal(parseExpiry("90s", NOW), start + 90);
    assert.equal(parseExpiry("15m", NOW), start + 900);
    assert.equal(parseExpiry("12h", NOW), start + 43_200);
    assert.equal(parseExpiry("7d", NOW), start + 604_800);
    assert.equal(parseExpiry("2030-01-02T12:00:00+01:00", NOW), start + 86_400 + 39_600);
  });

  it("is refused in the past, and in any other form", () => {
    for (const text of ["0s", "2029-12-31", "2030-01-01"]) {
      assert.throws(() => parseExpiry(text, NOW), /Expected a time in the future/);
    }
    for (const text of ["", "7", "7w", "-1d", "1e3s", "1893456000", "2030-99-99", "tomorrow"]) {
      assert.throws(() => parseExpiry(text, NOW), /Expected a duration such as/, text);
    }
  });
});
