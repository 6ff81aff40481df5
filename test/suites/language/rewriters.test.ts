import assert from "node:assert/strict";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { stateSqlite } from "@mediatap/state-sqlite";
import { storageFs } from "@mediatap/storage-fs";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { sign, urlImagekit } from "@mediatap/url-imagekit";
import { assertPoints, BLUE, GREEN, look, plain, png, RED, WHITE } from "../support/looks.ts";

const KEY = "private key of the rewriters";

describe("URL rewriters of endpoints", () => {
  let folder: TestFolder;
  let server: TestServer;
  before(async () => {
    const picture = await plain(80, 60, RED)
      .composite([{ input: await png(40, 60, BLUE), left: 40, top: 0 }])
      .png()
      .toBuffer();
    folder = await makeFolder({
      "a/half.png": picture,
      "image/upload/half.png": picture,
      "logo.png": await png(10, 10, GREEN),
    });
    const origins = ["files"];
    const endpoints: MediatapConfig["endpoints"] = {
      default: { origins },
      cloudinary: { origins, urlRewriter: { type: "CLOUDINARY" } },
      kept: { origins, urlRewriter: { type: "CLOUDINARY", preserveAssetDeliveryTypes: true } },
      imgix: { origins, urlRewriter: { type: "IMGIX" } },
      akamai: { origins, urlRewriter: { type: "AKAMAI" } },
      signed: { origins, urlRewriter: { type: "CLOUDINARY" }, restrictUnsigned: "all" },
    };
    server = await startServer(
      {
        plugins: [
          urlImagekit(),
          storageFs(),
          imageSharp(),
          manageImagekit(),
          stateSqlite({ path: "state.sqlite" }),
        ],
        origins: { files: { type: "FOLDER", path: "." } },
        endpoints,
        privateKey: KEY,
      },
      { base: folder.path },
    );
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  const lookAt = async (url: string) => look(await server.ask(url));
  const call = async (method: string, path: string, body?: object) => {
    const authorization = `Basic ${Buffer.from(`${KEY}:`).toString("base64")}`;
    const answer = await server.ask(`/-/api/v1/accounts/url-endpoints${path}`, {
      method,
      headers: { authorization },
      ...(body && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: answer.text === "" ? undefined : JSON.parse(answer.text) };
  };

  it("render URLs of Cloudinary, without what the service ignores", async () => {
    for (const head of ["", "image/upload/"]) {
      const cropped = await lookAt(`/cloudinary/${head}w_20,h_30,c_crop,g_east,zz_1/a_90,e_sepia/a/half.png`);
      assert.deepEqual([cropped.width, cropped.height], [30, 20]);
      assertPoints(cropped, { "2,2": BLUE, "-3,-3": BLUE }, "cropped");
    }
    const layered = await lookAt("/cloudinary/w_40/l_logo.png,g_north_west/bo_2px_solid_white/a/half.png");
    assertPoints(layered, { "0,0": WHITE, "5,5": GREEN, "-5,-5": BLUE }, "layered");
    const kept = await lookAt("/kept/image/upload/w_8/half.png");
    assert.deepEqual([kept.width, kept.height], [8, 6]);
    assert.equal((await server.ask("/cloudinary/image/upload/w_8/half.png")).status, 404);
  });

  it("render URLs of imgix and of Akamai", async () => {
    const imgix = await lookAt("/imgix/a/half.png?w=20&h=40&fit=fill&bg=green&auto=format&fm=png");
    assert.deepEqual([imgix.width, imgix.height], [20, 40]);
    assertPoints(imgix, { "1,1": [0, 128, 0], "3,20": RED, "-3,20": BLUE }, "imgix");
    const akamai = await lookAt("/akamai/a/half.png?imwidth=40&impolicy=x");
    assert.deepEqual([akamai.width, akamai.height], [40, 30]);
    // Without a rewriter they are what they were.
    assert.equal((await lookAt("/a/half.png?w=20&imwidth=40")).width, 80);
  });

  it("verify the language's own signature of the URL as it is sent", async () => {
    const path = "w_20/a/half.png";
    const url = `/signed/${path}`;
    assert.equal((await server.ask(url)).status, 401);
    assert.equal((await lookAt(`${url}?ik-s=${sign(path, KEY)}`)).width, 20);
    assert.equal((await server.ask(`/signed/w_21/a/half.png?ik-s=${sign(path, KEY)}`)).status, 401);
  });

  it("are set, listed and removed through the management API", async () => {
    const url = "/moved/image/upload/w_20/a/half.png";
    const body = { description: "", origins: ["files"], urlPrefix: "moved" };
    const given = { type: "CLOUDINARY" };
    const kept = { ...given, preserveAssetDeliveryTypes: false };
    const created = await call("POST", "", { ...body, urlRewriter: given });
    assert.deepEqual(created, { status: 201, body: { id: "moved", ...body, urlRewriter: kept } });
    assert.equal((await lookAt(url)).width, 20);
    for (const urlRewriter of [
      { type: "IMGIX" },
      { type: "AKAMAI" },
      { ...given, preserveAssetDeliveryTypes: true },
    ]) {
      assert.deepEqual((await call("PUT", "/moved", { ...body, urlRewriter })).body.urlRewriter, urlRewriter);
      assert.equal((await server.ask(url)).status, 404);
    }
    assert.deepEqual((await call("PUT", "/moved", body)).body, { id: "moved", ...body });
    assert.equal((await server.ask(url)).status, 404);
    const { body: fromFile } = await call("GET", "/cloudinary");
    assert.deepEqual([fromFile.urlRewriter, fromFile.readOnly], [kept, true]);
    assert.equal((await call("DELETE", "/moved")).status, 204);
  });

  it("are refused if they are none, or if no language of the endpoint has them", async () => {
    const body = { description: "", origins: ["files"], urlPrefix: "moved", urlRewriter: { type: "OTHER" } };
    const { status, body: refusal } = await call("POST", "", body);
    assert.equal(status, 400);
    assert.match(refusal.message, /^urlRewriter/);
    for (const [plugins, urlRewriter, message] of [
      [[urlImagekit(), storageFs()], { type: "OTHER" }, /endpoints\.default\.urlRewriter/],
      [[storageFs()], { type: "IMGIX" }, /endpoints\.default.*urlRewriter/],
    ] as const) {
      const config = {
        plugins: [...plugins],
        origins: { files: { type: "FOLDER", path: "." } },
        endpoints: { default: { origins: ["files"], urlRewriter: urlRewriter as never } },
      };
      await assert.rejects(startServer(config, { base: folder.path }), { code: "ECONFIG", message });
    }
  });
});
