import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import {
  makeFolder,
  readPng,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import sharp from "sharp";
import { coordinates, distance, shown } from "../../../test/suites/support/coordinates.ts";
import { SIGNATURE, urlBunny } from "../src/bunny.ts";
import { urlContentful } from "../src/contentful.ts";
import { urlFastly } from "../src/fastly.ts";
import { urlPhoton } from "../src/photon.ts";
import { urlShopify } from "../src/shopify.ts";
import { urlSirv } from "../src/sirv.ts";
import { urlStoryblok } from "../src/storyblok.ts";
import { urlUploadcare } from "../src/uploadcare.ts";
import { urlWsrv } from "../src/wsrv.ts";
import { CASES, REFUSED, STORED, UUID } from "./cases.ts";
import { HEIGHT, WIDTH } from "./oracle.ts";

/** Their URLs contain where an image is. */
const FETCHING: readonly string[] = ["wsrv"];

/** Without types of its own. */
const EdgeAuth = createRequire(import.meta.url)("akamai-edgeauth") as new (
  options: object,
) => Readonly<Record<"generateACLToken" | "generateURLToken", (path: string | readonly string[]) => string>>;

/** Uploadcare's public one, for tests of signed URLs. */
const SECRET = "73636b61519adede42191efe1e73f02a67c7b692e3765f90c250c230be095211";

describe("the languages of services", () => {
  let folder: TestFolder;
  let origin: Awaited<ReturnType<typeof startOrigin>>;
  let server: TestServer;
  before(async () => {
    const image = await coordinates(WIDTH, HEIGHT);
    folder = await makeFolder({
      "a b.png": image,
      [STORED.slice(1)]: image,
      [UUID.slice(1)]: image,
      "clear.png": await sharp({ create: { width: 20, height: 10, channels: 4, background: "#0000" } })
        .png()
        .toBuffer(),
    });
    origin = await startOrigin({ "a b.png": image });
    const endpoints = Object.keys(CASES).map((service) => {
      const origins = FETCHING.includes(service) ? ["any"] : ["files"];
      return [service, { origins, languages: [`url-${service}`], autoAvif: true }] as const;
    });
    server = await startServer({
      plugins: [
        urlBunny(),
        urlContentful(),
        urlFastly(),
        urlPhoton(),
        urlShopify(),
        urlSirv(),
        urlStoryblok(),
        urlUploadcare(),
        urlWsrv(),
        storageFs(),
        storageWeb(),
        imageSharp(),
      ],
      origins: {
        files: { type: "FOLDER", path: folder.path },
        any: { type: "WEB_PROXY", ports: [origin.port] },
      },
      endpoints: {
        ...Object.fromEntries(endpoints),
        tokens: {
          origins: ["files"],
          languages: ["url-bunny"],
          privateKey: "SecurityKey",
          restrictUnsigned: "all",
        },
        secured: {
          origins: ["files"],
          languages: ["url-uploadcare"],
          privateKey: SECRET,
          restrictUnsigned: "all",
        },
      },
      network: { allow: [`127.0.0.1:${origin.port}`] },
    });
  });
  after(async () => {
    await server?.close();
    await origin?.close();
    await folder?.close();
  });

  /** Asks for a URL of a service, or for one with the name of its endpoint. */
  const ask = (service: string, url: string) => {
    const here = url.replaceAll(" ", "%20").replace("files.example", `127.0.0.1:${origin.port}`);
    return server.ask(service === "" ? here : `/${service}${here}`);
  };

  for (const [service, cases] of Object.entries(CASES)) {
    it(`give more than 200 URLs the documented size, format and crop: ${service}`, async () => {
      assert.ok(cases.length >= 200, String(cases.length));
      for (const { url, width, height, part, format = "png" } of cases) {
        const { status, text, body } = await ask(service, url);
        assert.equal(status, 200, `${service}${url}: ${text}`);
        const found = await shown(body);
        assert.deepEqual(
          [found.width, found.height, found.format],
          [width, height, format],
          `${service}${url}`,
        );
        if (part) {
          const message = `${service}${url}: ${JSON.stringify([found.part, part])}`;
          // Lossy formats change colours.
          assert.ok(distance(found.part, part) < (format === "png" ? 0.03 : 0.08), message);
        }
      }
    });
  }

  it("refuse by name what this server cannot do", async () => {
    for (const [service, urls] of Object.entries(REFUSED)) {
      for (const [url, name] of Object.entries(urls)) {
        const { status, text } = await ask(service, url);
        assert.equal(status, 403, `${service}${url}: ${text}`);
        assert.ok(text.includes("Not supported here") && text.includes(`(${name})`), `${url}: ${text}`);
      }
    }
  });

  const pixel = async (url: string, x: number, y: number) => {
    const { status, text, body } = await ask("", url);
    assert.equal(status, 200, `${url}: ${text}`);
    return readPng(await sharp(body).ensureAlpha().png({ palette: false }).toBuffer()).at(x, y);
  };

  it("fill what surrounds an image, and what is clear, with the background", async () => {
    for (const [url, color] of [
      ["/contentful/a b.png?w=99&h=99&fit=pad&fm=png", [0, 0, 0, 0]],
      ["/contentful/a b.png?w=99&h=99&fit=pad&bg=rgb:0000ff&fm=png", [0, 0, 255, 255]],
      ["/contentful/a b.png?r=max&bg=rgb:0000ff&fm=png", [0, 0, 255, 255]],
      ["/shopify/a b.png?width=99&height=99&pad_color=00ff00&format=png", [0, 255, 0, 255]],
      ["/storyblok/a b.png/m/fit-in/99x99/filters:fill(0000ff):format(png)", [0, 0, 255, 255]],
      ["/storyblok/a b.png/m/filters:round_corner(30,255,0,0):format(png)", [255, 0, 0, 255]],
      ["/wsrv/?url=files.example/a b.png&w=99&h=99&fit=contain&cbg=80ff0000&output=png", [255, 0, 0, 128]],
      [
        "/wsrv/?url=files.example/a b.png&w=99&h=99&fit=cover&mask=circle&mbg=blue&output=png",
        [0, 0, 255, 255],
      ],
      ["/photon/a b.png?lb=99,99", [0, 0, 0, 255]],
      [`/uploadcare${UUID}/-/setfill/0000ff/-/crop/300x300/center/-/format/png/`, [0, 0, 255, 255]],
      [`/uploadcare${UUID}/-/border_radius/50p/-/setfill/00ff00/-/format/png/`, [0, 0, 0, 0]],
      [
        "/sirv/a b.png?canvas.width=300&canvas.position=east&canvas.color=0,0,255&format=png",
        [0, 0, 255, 255],
      ],
      ["/sirv/a b.png?canvas.height=300&format=png", [255, 255, 255, 255]],
      ["/fastly/a%20b.png?pad=10&format=png", [0, 0, 0, 0]],
      ["/fastly/a%20b.png?pad=10&bg-color=00f&format=png", [0, 0, 255, 255]],
      ["/fastly/clear.png?bg-color=0,255,0&format=png", [0, 255, 0, 255]],
      ["/fastly/clear.png?canvas=30,30,x5,y10&bg-color=f00", [255, 0, 0, 255]],
    ] as const) {
      assert.deepEqual(await pixel(url, 2, 2), color, url);
    }
  });

  it("verify the tokens that Bunny's libraries make, and refuse what was altered or has expired", async () => {
    const tokenOf = (path: string, query: string) =>
      [SIGNATURE.sign({ path, query }, "SecurityKey")].flat()[0];
    // https://github.com/BunnyWay/BunnyCDN.TokenAuthentication: e2e/vectors.json
    const path = "abc/300kb.jpg";
    const expires = "expires=1598024587";
    assert.equal(tokenOf("300kb.jpg", expires), "HS256-o10JRWlsAItyAsdKS6jJKjabHN4FrFsplDHPV1idcX4");
    assert.equal(
      tokenOf(path, `token_path=%2Fabc&${expires}`),
      "HS256-uVZvT3SbEoVKYJyDJgbcsDmSFf73cv-uNUVaJiKWpbQ",
    );
    const status = async (query: string) => (await server.ask(`/tokens/a%20b.png?${query}`)).status;
    const signed = (query: string) => `${query}&token=${tokenOf("a%20b.png", query)}`;
    const valid = signed("width=40&expires=99999999999");
    assert.equal(await status(valid), 200);
    assert.equal(await status(signed("width=40&expires=99999999999&token_path=%2F")), 200);
    assert.equal(await status(signed("expires=1598024587")), 401);
    assert.equal(await status(valid.replace("width=40", "width=41")), 401);
    assert.equal(await status(valid.replace("expires=99999999999", "expires=99999999998")), 401);
    assert.equal(await status(valid.replace("width=40&expires=99999999999", "99999999999width=40")), 401);
    assert.equal(await status("width=40"), 401);
    const two = signed("sharpen=false&width=40&expires=99999999999");
    assert.equal(await status(two), 200);
    const joined = ["sharpen=false%26width=40", "sharpen%3Dfalse%26width=40", "sharpen=false%26width%3D40"];
    for (const one of joined)
      assert.equal(await status(two.replace("sharpen=false&width=40", one)), 401, one);
    assert.equal(await status(two.replace("width=40", "width%3D40")), 401);
  });

  it("verify Uploadcare's signed URLs, made by the library that it names, and no others", async () => {
    const status = async (path: string, token: string) =>
      (await server.ask(`/secured${path}?token=${token}`)).status;
    const path = `${UUID}/-/resize/40x/`;
    for (const escapeEarly of [true, false]) {
      const auth = new EdgeAuth({ key: SECRET, windowSeconds: 3600, tokenName: "token", escapeEarly });
      const exact = auth.generateACLToken(path);
      assert.equal(await status(path, exact), 200);
      assert.equal(await status(path, auth.generateURLToken(path)), 200);
      assert.equal(await status(path, auth.generateACLToken(`${UUID}/*`)), 200);
      assert.equal(await status(path, auth.generateACLToken("/*")), 200);
      assert.equal(await status(path, auth.generateACLToken([`${UUID}/`, path])), 200);
      assert.equal(await status(path, auth.generateACLToken(`${UUID}/`)), 401);
      assert.equal(await status(path.replace("40x", "41x"), exact), 401);
      assert.equal(await status(path.replace("40x", "41x"), auth.generateURLToken(path)), 401);
      assert.equal(await status(path, exact.replace(/exp=\d/, "exp=9")), 401);
    }
    const auth = new EdgeAuth({ key: SECRET, windowSeconds: 3600, tokenName: "token" });
    const valid = auth.generateACLToken(path);
    for (const name of ["resize", "blur", "format", "nonsense"]) {
      const { status, text } = await server.ask(`/secured${path}?${name}=900x&token=${valid}`);
      assert.equal(status, 400, name);
      assert.ok(text.includes(`'${name}'`), text);
    }
    const over = new EdgeAuth({ key: SECRET, startTime: 1000, windowSeconds: 60, tokenName: "token" });
    assert.equal(await status(path, over.generateACLToken(path)), 401);
    assert.equal((await server.ask(`/secured${path}`)).status, 401);
  });

  it("fetch from the host that begins a path, as Photon does", async () => {
    const photon = await startServer({
      plugins: [urlPhoton({ remote: true }), storageWeb(), imageSharp()],
      origins: { any: { type: "WEB_PROXY", ports: [origin.port] } },
      endpoints: { default: { origins: ["any"] } },
      network: { allow: [`127.0.0.1:${origin.port}`] },
    });
    try {
      const { status, text, body } = await photon.ask(`/127.0.0.1:${origin.port}/a%20b.png?w=120`);
      assert.equal(status, 200, text);
      assert.equal((await shown(body)).width, 120);
      assert.equal((await photon.ask("/user:password@host.example/a.png?w=120")).status, 400);
    } finally {
      await photon.close();
    }
  });

  it("mirror and turn as documented", async () => {
    for (const [url, turned, part] of [
      ["/bunny/a%20b.png?flip=true&format=png", 0, { left: 0, top: 1, right: 1, bottom: 0 }],
      ["/bunny/a%20b.png?flop=true&format=png", 0, { left: 1, top: 0, right: 0, bottom: 1 }],
      ["/storyblok/a b.png/m/-0x-0/filters:format(png)", 0, { left: 1, top: 1, right: 0, bottom: 0 }],
      ["/storyblok/a b.png/m/filters:rotate(90):format(png)", 90, { left: 0, top: 0, right: 1, bottom: 1 }],
      ["/wsrv/?url=files.example/a b.png&flop&ro=90", 270, { left: 0, top: 1, right: 1, bottom: 0 }],
      [`/uploadcare${UUID}/-/mirror/-/rotate/90/`, 90, { left: 1, top: 0, right: 0, bottom: 1 }],
      [`/uploadcare${UUID}/-/rotate/90/-/mirror/`, 90, { left: 0, top: 1, right: 1, bottom: 0 }],
      ["/sirv/a b.png?flip=true&rotate=90&format=png", 270, { left: 1, top: 0, right: 0, bottom: 1 }],
      ["/fastly/a%20b.png?orient=hv", 0, { left: 1, top: 1, right: 0, bottom: 0 }],
      ["/fastly/a%20b.png?orient=r", 270, { left: 0, top: 0, right: 1, bottom: 1 }],
      ["/fastly/a%20b.png?orient=l", 90, { left: 0, top: 0, right: 1, bottom: 1 }],
    ] as const) {
      const { body } = await ask("", url);
      const found = await shown(await sharp(body).rotate(turned).png().toBuffer());
      assert.ok(distance(found.part, part) < 0.03, `${url}: ${JSON.stringify(found.part)}`);
    }
  });
});
