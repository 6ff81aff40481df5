import assert from "node:assert/strict";
import { type Answer, makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { photo } from "../support/photos.ts";
import { type Counter, counter, usual } from "../support/plugins.ts";
import { signed } from "../support/signed.ts";

const KEY = "private_key_of_the_tests";
const soon = () => Math.floor(Date.now() / 1000) + 600;
const past = () => Math.floor(Date.now() / 1000) - 600;

function assertRefused(answer: Answer, status: number, code: string) {
  assert.equal(answer.status, status, `${answer.headers["ik-error"]}`);
  assert.match(answer.headers["ik-error"] ?? "", new RegExp(`^${code} `));
  assert(!/max-age=[1-9]/.test(answer.headers["cache-control"] ?? ""), answer.headers["cache-control"]);
  assert(!`${JSON.stringify(answer.headers)}${answer.text}`.includes(KEY));
}

describe("signed URLs", () => {
  let folder: TestFolder;
  let server: TestServer;
  let count: Counter;
  before(async () => {
    folder = await makeFolder({
      "photo.jpg": await photo(120, 80),
      "other.jpg": await photo(60, 80),
      "a b.txt": "x",
    });
    count = counter();
    server = await startServer({
      plugins: usual(count),
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: { origins: ["files"], restrictUnsigned: "all", privateKeys: [KEY, "older_key"] },
        other: { origins: ["files"], restrictUnsigned: "all", privateKey: "key_of_the_other" },
        open: { origins: ["files"], privateKey: KEY },
      },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  for (const path of [
    "/tr:w-50/photo.jpg",
    "/photo.jpg?tr=w-50",
    "/photo.jpg",
    "/photo.jpg?tr=orig-true&v=2",
    "/a%20b.txt",
  ]) {
    it(`open ${path}, with and without expiry, under each key`, async () => {
      for (const key of [KEY, "older_key"]) {
        assert.equal((await server.ask(signed(path, key))).status, 200);
        assert.equal((await server.ask(signed(path, key, soon()))).status, 200);
      }
    });

    it(`are needed for ${path}, warm or cold, by every method and condition`, async () => {
      const { headers } = await server.ask(signed(path, KEY));
      for (const options of [
        {},
        { method: "HEAD" },
        { headers: { "if-none-match": headers.etag ?? "*" } },
        { headers: { "if-none-match": "*" } },
        { headers: { range: "bytes=0-1" } },
      ]) {
        const answer = await server.ask(path, options);
        assertRefused(answer, 401, "ESIGNATURE");
      }
    });
  }

  it("do not open once they have expired", async () => {
    const url = signed("/tr:w-50/photo.jpg", KEY, past());
    assertRefused(await server.ask(url), 401, "EEXPIRED");
    assertRefused(await server.ask(url, { headers: { "if-none-match": "*" } }), 401, "EEXPIRED");
  });

  it("allow for clocks that differ by some seconds", async () => {
    const expiry = Math.floor(Date.now() / 1000) - 5;
    assert.equal((await server.ask(signed("/tr:w-50/photo.jpg", KEY, expiry))).status, 200);
  });

  it("open nothing but what they were made for", async () => {
    const url = signed("/tr:w-50/photo.jpg?v=1", KEY, soon());
    const signature = /ik-s=(\w+)/.exec(url)?.[1] ?? "";
    for (const changed of [
      url.replace("w-50", "w-51"),
      url.replace("photo", "other"),
      url.replace("v=1", "v=2"),
      url.replace("?v=1&", "?"),
      `${url}&tr=w-10`,
      `${url}&x=1`,
      url.replace(/ik-t=\d+/, `ik-t=${soon() + 5}`),
      url.replace(/ik-t=\d+&/, ""),
      url.replace(/ik-t=\d+/, "ik-t=9999999999"),
      url.replace(/ik-t=(\d+)/, "ik-t=$1&ik-t=$1"),
      url.replace(/ik-t=\d+/, "ik-t=-1"),
      url.replace(/ik-t=\d+/, "ik-t=1e10"),
      url.replace(/ik-t=\d+/, "ik-t="),
      `${url}&ik-s=${signature}`,
      url.replace("ik-s", "ik%2Ds"),
      url.replace("ik-s", "ik-s[]"),
      url.replace("&ik-s", ";ik-s"),
      url.replace(signature, signature.toUpperCase()),
      url.replace(signature, signature.slice(1)),
      url.replace(signature, `${signature}0`),
      url.replace(signature, ""),
      url.replace(signature, "0".repeat(40)),
      url.replace("/tr:w-50/photo.jpg", "/photo.jpg").replace("v=1", "tr=w-50&v=1"),
      url.replace("/tr:w-50", "/tr%3Aw-50"),
      `/other${url}`,
    ]) {
      const answer = await server.ask(changed);
      assert(answer.status === 401, `${answer.status} for ${changed}`);
    }
    assert.equal((await server.ask(url)).status, 200);
  });

  it("hold for the endpoint whose key made them", async () => {
    assert.equal((await server.ask(`/other${signed("/photo.jpg", "key_of_the_other")}`)).status, 200);
    assertRefused(await server.ask(`/other${signed("/photo.jpg", KEY)}`), 401, "ESIGNATURE");
    assertRefused(await server.ask(signed("/photo.jpg", "key_of_the_other")), 401, "ESIGNATURE");
  });

  it("may be left out where they are not asked for, but not be wrong", async () => {
    assert.equal((await server.ask("/open/photo.jpg")).status, 200);
    assertRefused(await server.ask("/open/photo.jpg?ik-s=wrong"), 401, "ESIGNATURE");
  });

  it("share one rendition, however they expire", async () => {
    const before = count.transforms();
    const first = await server.ask(signed("/tr:w-77/photo.jpg", KEY, soon()));
    const second = await server.ask(signed("/tr:w-77/photo.jpg", KEY, soon() + 1));
    assert.equal(first.headers.etag, second.headers.etag);
    assert.equal(count.transforms() - before, 1);
  });
});
