import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder } from "@mediatap/test";
import { photo } from "../support/photos.ts";
import { folderConfig } from "../support/plugins.ts";

describe("/-/explain", () => {
  let folder: TestFolder;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(200, 100), "logo.png": await photo(20, 20, "png") });
  });
  after(() => folder.close());

  async function explain(query: string, server = { explain: true }) {
    const place = await startServer({
      ...folderConfig(folder.path),
      server,
      privateKey: "private_key_of_explain",
    });
    try {
      return await place.ask(`/-/explain${query}`);
    } finally {
      await place.close();
    }
  }

  it("says what would be done for a URL, and why", async () => {
    const url = encodeURIComponent("/photo.jpg?tr=w-50,l-image,i-logo.png,l-end");
    const { status, headers, text } = await explain(`?url=${url}&accept=image/webp`);
    assert.equal(status, 200);
    assert.match(headers["content-type"] ?? "", /^application\/json/);
    assert.equal(headers["cache-control"], "no-store");
    const said = JSON.parse(text);
    assert.equal(said.asset.path, "photo.jpg");
    assert.equal(said.accept.class, "webp");
    assert.equal(said.plan.engine, "image-sharp");
    assert.deepEqual(said.plan.explanation.passes, ["scale to 50x25, lay image on it"]);
    assert(!text.includes("private_key_of_explain"));
  });

  it("names what is wrong with a URL as part of the answer", async () => {
    const { status, text } = await explain(`?url=${encodeURIComponent("/photo.jpg?tr=w-abc")}`);
    assert.equal(status, 200);
    assert.match(text, /positive integer for w/);
    for (const url of ["/../x", "%", "https://elsewhere.example/x.jpg", "/missing.jpg"]) {
      assert.equal((await explain(`?url=${encodeURIComponent(url)}`)).status, 200, url);
    }
  });

  it("needs a URL", async () => {
    assert.equal((await explain("")).status, 400);
  });

  it("is not there unless it is configured", async () => {
    assert.equal((await explain("?url=/photo.jpg", { explain: false })).status, 404);
  });
});
