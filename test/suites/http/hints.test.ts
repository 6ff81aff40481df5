import assert from "node:assert/strict";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { photo, seen } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

describe("client hints", () => {
  let folder: TestFolder;
  let server: TestServer;
  let saving: TestServer;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(800, 600), "note.txt": "text", "clip.mp4": "none" });
    const config = {
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: { default: { origins: ["files"] } },
    };
    server = await startServer({ ...config, plugins: usual() });
    const [, ...others] = usual();
    saving = await startServer({ ...config, plugins: [urlImagekit({ saveDataQuality: 20 }), ...others] });
  });
  after(async () => {
    await server.close();
    await saving.close();
    await folder.close();
  });

  const asked = async (chain: string, headers: Record<string, string>) => {
    const answer = await server.ask(`/tr:${chain}/photo.jpg`, { headers });
    assert.equal(answer.status, 200, `${answer.headers["ik-error"]}`);
    const { width } = await seen(answer.body);
    const { vary, "accept-ch": accept, "content-dpr": dpr, etag } = answer.headers;
    return { width, vary, accept, dpr, etag };
  };

  const W = "Sec-CH-Width";
  const D = "Sec-CH-DPR";
  const rows: [chain: string, headers: Record<string, string>, width: number, vary: string, dpr?: string][] =
    [
      ["w-auto,f-jpg", { "sec-ch-width": "212", "sec-ch-dpr": "2" }, 300, `${W}, ${D}`, "2.83"],
      // What a header says counts only where the newer one says nothing.
      ["w-auto,f-jpg", { width: "212", dpr: "2" }, 300, `${W}, Width, ${D}, DPR`, "2.83"],
      ["w-auto,f-jpg", { "sec-ch-width": "101", width: "555", dpr: "1" }, 200, `${W}, ${D}, DPR`, "1.98"],
      ["w-auto,f-jpg", { "sec-ch-width": "300" }, 300, `${W}, ${D}, DPR`, "1"],
      ["w-auto,dpr-auto,f-jpg", { "sec-ch-width": "600", "sec-ch-dpr": "2" }, 600, `${W}, ${D}`, "2"],
      ["w-auto,f-jpg", {}, 800, `${W}, Width`],
      ["w-auto,f-jpg", { "sec-ch-width": "-5", width: "wide" }, 800, `${W}, Width`],
      ["w-auto,f-jpg", { "sec-ch-viewport-width": "300", "viewport-width": "300" }, 800, `${W}, Width`],
      ["w-100,dpr-auto,f-jpg", { "sec-ch-dpr": "2.0" }, 200, D],
      ["w-100,dpr-auto,f-jpg", { dpr: "1.5" }, 150, `${D}, DPR`],
      ["w-100,dpr-auto,f-jpg", { "sec-ch-dpr": "9" }, 100, `${D}, DPR`],
    ];
  for (const [chain, headers, width, vary, dpr] of rows) {
    it(`make ${chain} ${width} px wide for ${JSON.stringify(headers)}`, async () => {
      const found = await asked(chain, headers);
      assert.deepEqual([found.width, found.vary, found.dpr], [width, vary, dpr]);
      assert.equal(found.accept, [W, D].filter((name) => vary.split(", ").includes(name)).join(", "));
    });
  }

  it("take part in the key, and in nothing that asks for none", async () => {
    const [small, large] = await Promise.all(
      ["1", "2"].map((dpr) => asked("w-100,dpr-auto", { "sec-ch-dpr": dpr, accept: "image/webp" })),
    );
    assert.notEqual(small?.etag, large?.etag);
    assert.equal(small?.vary, "Accept, Sec-CH-DPR");
    const plain = await asked("w-100,dpr-2,f-jpg", { "sec-ch-dpr": "3", "save-data": "on" });
    assert.deepEqual([plain.width, plain.vary, plain.accept], [200, undefined, undefined]);
  });

  it("are told with 304 and HEAD as with 200", async () => {
    const headers = { "sec-ch-dpr": "2" };
    const { etag = "", vary } = await asked("w-90,dpr-auto,f-jpg", headers);
    for (const [method, more, status] of [
      ["HEAD", {}, 200],
      ["GET", { "if-none-match": etag }, 304],
    ] as const) {
      const answer = await server.ask("/tr:w-90,dpr-auto,f-jpg/photo.jpg", {
        method,
        headers: { ...headers, ...more },
      });
      assert.deepEqual([answer.status, answer.headers.vary], [status, vary]);
    }
  });

  it("make smaller files for those who save data, where that is configured", async () => {
    const ask = async (at: TestServer, chain: string, value?: string) =>
      at.ask(`/tr:${chain}/photo.jpg`, { headers: value === undefined ? {} : { "save-data": value } });
    const chain = "w-300,f-jpg";
    const light = await ask(saving, chain, "on");
    const usual = await ask(saving, chain);
    assert(light.body.equals((await ask(server, `${chain},q-20`)).body));
    assert(usual.body.equals((await ask(server, chain)).body));
    assert((await ask(saving, chain, "off")).body.equals(usual.body));
    assert((await ask(server, chain, "on")).body.equals(usual.body));
    assert.deepEqual([light.headers.vary, usual.headers.vary], ["Save-Data", "Save-Data"]);
    assert.notEqual(light.headers.etag, usual.headers.etag);
    const named = await ask(saving, `${chain},q-70`, "on");
    assert.equal(named.headers.vary, undefined);
    assert((await saving.ask("/note.txt", { headers: { "save-data": "on" } })).headers.vary !== "Save-Data");
  });
});
