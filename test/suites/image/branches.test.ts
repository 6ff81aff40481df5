import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { parseChain, printChain } from "@mediatap/url-imagekit";
import { photo, seen } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

describe("output that depends on the picture", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    folder = await makeFolder({
      "wide.png": await photo(300, 200, "png"),
      "tall.png": await photo(200, 300, "png"),
      "tall.jpg": await photo(200, 300),
    });
    const origins = ["files"];
    server = await startServer({
      plugins: usual(),
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins }, some: { origins, allowedFormats: ["jpeg", "webp"] } },
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  const ask = (chain: string, file: string, accept = "image/webp") =>
    server.ask(`/tr:${chain}/${file}`, { headers: { accept } });
  const formatOf = async (chain: string, file: string) => {
    const { status, body, headers } = await ask(chain, file);
    assert.equal(status, 200, headers["ik-error"] ?? "");
    const { format } = await seen(body);
    assert.equal(headers["content-type"], `image/${format}`);
    return format;
  };

  const rows: [chain: string, wide: string, tall: string][] = [
    ["if-ar_gt_1,f-png,if-end", "png", "webp"],
    ["if-ar_gt_1,f-png,if-else,f-jpg,if-end", "png", "jpeg"],
    ["f-jpg:if-iw_gt_250,w-100,f-png,if-end", "png", "jpeg"],
    ["w-100:if-h_gt_100,f-png:rt-90,if-end:fl-h", "webp", "png"],
    // What a condition says outdoes what stands outside, and of two the last one counts.
    ["if-ar_gt_1,f-png,if-end:f-jpg", "png", "jpeg"],
    ["if-w_gt_1,f-jpg,if-end:if-ar_gt_1,f-png,if-end", "png", "jpeg"],
  ];
  for (const [chain, wide, tall] of rows) {
    it(`is ${wide} or ${tall} for ${chain}`, async () => {
      assert.equal(await formatOf(chain, "wide.png"), wide);
      assert.equal(await formatOf(chain, "tall.png"), tall);
    });
  }

  it("may be the source's format", async () => {
    const chain = "if-ar_lt_1,f-orig,if-end";
    assert.equal(await formatOf(chain, "tall.jpg"), "jpeg");
    assert.equal(await formatOf(chain, "tall.png"), "png");
    assert.equal(await formatOf(chain, "wide.png"), "webp");
  });

  it("may be the quality, as if it had been said outside", async () => {
    const chain = (q: string) => `f-jpg,w-100:if-ar_gt_1,${q},if-end`;
    for (const [file, outside] of [
      ["wide.png", "f-jpg,w-100,q-20"],
      ["tall.png", "f-jpg,w-100"],
    ] as const) {
      const [one, other] = [await ask(chain("q-20"), file), await ask(outside, file)];
      assert(one.body.equals(other.body), file);
    }
    const [small, large] = [await ask(chain("q-20"), "wide.png"), await ask(chain("q-90"), "wide.png")];
    assert(small.body.length < large.body.length);
    assert.notEqual(small.headers.etag, large.headers.etag);
  });

  it("still varies by what clients accept, where it may", async () => {
    const { headers } = await ask("if-ar_gt_1,q-20,if-end", "wide.png");
    assert.equal(headers.vary, "Accept");
    assert.equal((await ask("f-jpg:if-ar_gt_1,f-png,if-end", "wide.png")).headers.vary, undefined);
  });

  it("does not lead around the formats that are allowed", async () => {
    for (const chain of ["if-ar_gt_1,f-png,if-end", "if-ar_gt_9,w-5,if-else,f-png,if-end"]) {
      const answer = await server.ask(`/some/tr:${chain}/wide.png`);
      assert.equal(answer.status, 400);
      assert.match(answer.headers["ik-error"] ?? "", /^EINVAL - .*jpeg, webp/);
    }
    assert.equal((await server.ask("/some/tr:if-ar_gt_1,f-jpg,if-end/wide.png")).status, 200);
  });

  it("says so where only pixels tell the size, and in layers", async () => {
    const trimmed = await ask("t-10:if-w_gt_5,f-png,if-end", "wide.png");
    assert.equal(trimmed.status, 403);
    assert.match(trimmed.headers["ik-error"] ?? "", /^EUNSUPPORTED - /);
    assert.equal((await ask("t-10:if-w_gt_5,rt-90,if-end:f-png", "wide.png")).status, 200);
    const layer = await ask("l-image,i-tall.png,if-w_gt_5,f-png,if-end,l-end", "wide.png");
    assert.equal(layer.status, 400);
  });

  it("can be printed and read again", () => {
    for (const [chain] of rows) {
      const read = parseChain(chain);
      assert.deepEqual(parseChain(printChain(read)), read);
    }
  });
});
