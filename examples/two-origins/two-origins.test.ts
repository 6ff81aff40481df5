import assert from "node:assert/strict";
import { startOrigin, type WebOrigin } from "@mediatap/test";
import { pixelsOf, plainPicture, serveExample } from "../serve.ts";

describe("example: two origins", () => {
  let current: WebOrigin;
  let archive: WebOrigin;
  let server: Awaited<ReturnType<typeof serveExample>>;
  before(async () => {
    const [red, green, blue] = await Promise.all(
      ["#f00", "#0f0", "#00f"].map((color) => plainPicture(60, 40, color)),
    );
    assert(red && green && blue);
    current = await startOrigin({
      "media/both.png": red,
      "media/broken.png": { answer: (_request, response) => response.writeHead(500).end() },
    });
    archive = await startOrigin({ "old/both.png": green, "old/archived.png": green, "old/broken.png": blue });
    process.env.CURRENT = `${current.url}/media`;
    process.env.ARCHIVE = `${archive.url}/old`;
    server = await serveExample(import.meta.dirname);
  });
  after(async () => {
    await server.close();
    await current.close();
    await archive.close();
  });

  const colorOf = async (path: string) => {
    const answer = await server.ask(path);
    assert.equal(answer.status, 200, answer.text.slice(0, 200));
    const picture = await pixelsOf(answer.body);
    assert.equal(picture.width, 30);
    return picture.at(15, 10).map((value) => (value > 200 ? 1 : 0));
  };

  it("takes the first origin that has the file", async () => {
    assert.deepEqual(await colorOf("/tr:w-30,f-png/both.png"), [1, 0, 0]);
    assert.equal(archive.count("old/both.png"), 0);
  });

  it("asks the second for what the first does not have", async () => {
    assert.deepEqual(await colorOf("/tr:w-30,f-png/archived.png"), [0, 1, 0]);
    assert(current.count("media/archived.png") > 0);
  });

  it("asks the second where the first fails", async () => {
    assert.deepEqual(await colorOf("/tr:w-30,f-png/broken.png"), [0, 0, 1]);
  });

  it("answers 404 when neither has the file", async () => {
    assert.equal((await server.ask("/tr:w-30/none.png")).status, 404);
  });

  it("gives the same files under the second endpoint", async () => {
    assert.deepEqual(await colorOf("/small/tr:w-30,f-png/archived.png"), [0, 1, 0]);
  });
});
