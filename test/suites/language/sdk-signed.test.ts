import assert from "node:assert/strict";
import type { TestServer } from "@mediatap/test";
import { KEY, openGallery } from "../support/gallery.ts";
import { look } from "../support/looks.ts";
import { describeWithSdks, type OldOptions, type Step, sent } from "../support/sdks.ts";

const FILES = ["/photo.jpg", "folder/logo @1.png", "/folder/हिन्दी.png"];

const STEPS: readonly (readonly Step[])[] = [
  [],
  [{ width: 20, height: 30 }],
  [{ width: 20 }, { rotation: 90 }],
  [{ raw: "l-text,i-Hello World,l-end" }],
  [{ raw: "l-image,i-folder@@logo @1.png,l-end" }],
];

/** Those of the current SDKs, which know layers. */
const LAYERS: readonly (readonly Step[])[] = [
  [
    {
      overlay: {
        type: "text",
        text: "Let's use ©, ®, ™, etc",
        transformation: [{ fontFamily: "Open Sans" }],
      },
    },
  ],
  [{ overlay: { type: "text", text: "हिन्दी", transformation: [{ fontSize: "32", fontColor: "red" }] } }],
  [{ overlay: { type: "image", input: "folder/logo @1.png" } }],
];

const QUERIES = [{}, { v: "1.0", c: "a b" }];

/** Other URLs for which a signature is none. */
function tampered(url: string): string[] {
  const signature = /ik-s=(\w+)/.exec(url)?.[1] ?? "";
  return [
    url.replace(signature, signature.split("").reverse().join("")),
    url.replace(/\/closed\/+/, "/closed/tr:w-10/"),
    url.replace(/([?&])ik-/, "$1tr=w-10&ik-"),
    url.replace(/(png|jpg)/, "$1.bak"),
    url.includes("ik-t=") ? url.replace(/ik-t=\d+/, "ik-t=9999999999") : `${url}&ik-t=9999999998`,
    url.replace(/[?&]ik-s=\w+/, ""),
  ];
}

describeWithSdks("URLs that ImageKit's SDKs signed", (sdks) => {
  let server: TestServer;
  before(async () => {
    server = await openGallery();
  });
  after(() => server.close());

  async function assertOpens(url: string) {
    assert.match(url, /ik-s=[0-9a-f]{40}/);
    const answer = await server.ask(sent(url));
    assert.equal(answer.status, 200, `${url}: ${answer.headers["ik-error"]}`);
    for (const other of tampered(sent(url))) {
      assert.equal((await server.ask(other)).status, 401, other);
    }
  }

  for (const transformationPosition of ["path", "query"] as const) {
    for (const src of FILES) {
      it(`@imagekit/nodejs: ${src}, ${transformationPosition}`, async () => {
        const node = sdks.node(KEY);
        for (const transformation of [...STEPS, ...LAYERS]) {
          for (const [index, queryParameters] of QUERIES.entries()) {
            const expiry = index === 0 ? {} : { expiresIn: 300 };
            await assertOpens(
              node.buildSrc({
                urlEndpoint: `${server.url}/closed`,
                src,
                transformation,
                transformationPosition,
                queryParameters,
                signed: true,
                ...expiry,
              }),
            );
          }
        }
      });

      it(`imagekit: ${src}, ${transformationPosition}`, async () => {
        const old = sdks.old(`${server.url}/closed`, KEY);
        const path = src.startsWith("/") ? src : `/${src}`;
        for (const transformation of STEPS) {
          for (const [index, queryParameters] of QUERIES.entries()) {
            const expiry = index === 0 ? {} : { expireSeconds: 300 };
            const how = { path, transformation, transformationPosition, queryParameters, signed: true };
            await assertOpens(old.url({ ...how, ...expiry }));
          }
        }
      });
    }
  }

  it("with another key, or after their time, open nothing", async () => {
    const urlEndpoint = `${server.url}/closed`;
    const other = sdks.node("another_key").buildSrc({ urlEndpoint, src: "/photo.jpg", signed: true });
    assert.match((await server.ask(sent(other))).headers["ik-error"] ?? "", /^ESIGNATURE /);
    const late = sdks.old(urlEndpoint, KEY).url({ path: "/photo.jpg", signed: true, expireSeconds: -600 });
    const answer = await server.ask(sent(late));
    assert.equal(answer.status, 401);
    assert.match(answer.headers["ik-error"] ?? "", /^EEXPIRED /);
  });

  it("of an endpoint that ends in a slash, and of whole addresses", async () => {
    const node = sdks.node(KEY);
    const urlEndpoint = `${server.url}/closed/`;
    await assertOpens(
      node.buildSrc({ urlEndpoint, src: "photo.jpg", transformation: [{ width: 5 }], signed: true }),
    );
    const src = `${urlEndpoint}photo.jpg?v=1`;
    await assertOpens(node.buildSrc({ urlEndpoint, src, transformation: [{ width: 5 }], signed: true }));
    for (const transformationPosition of ["path", "query"] as const) {
      const options = {
        path: "/photo.jpg",
        transformation: [{ width: 5 }],
        transformationPosition,
        signed: true,
      };
      await assertOpens(sdks.old(urlEndpoint, KEY).url(options));
    }
    await assertOpens(sdks.old(urlEndpoint, KEY).url({ src, transformation: [{ width: 5 }], signed: true }));
  });
});

describeWithSdks("URLs of ImageKit's older SDKs", (sdks) => {
  let server: TestServer;
  before(async () => {
    server = await openGallery();
  });
  after(() => server.close());

  const rows: readonly [steps: Step | readonly Step[], size: string][] = [
    [{ height: 300, width: 400 }, "400x300"],
    [[{ height: 30, width: 40 }, { rotation: 90 }], "30x40"],
    [[{ height: 30, width: 40 }, { rotate: 90 }], "30x40"],
    [{ format: "jpg", progressive: "true", effectSharpen: "-", effectContrast: "1" }, "400x300"],
    [{ effectSharpen: 10, effectGray: "-", width: 40 }, "40x30"],
    [{ effectUSM: "2-2-0.8-0.024", effectContrast: "-" }, "400x300"],
    [{ effectShadow: "bl-15_st-40_x-10_y-N5" }, "400x300"],
    [{ effectGradient: "from-red_to-white" }, "400x300"],
    [{ width: "iw_div_4", height: "ih_div_2", border: "cw_mul_0.05_yellow" }, "110x160"],
    [
      { border: "5-A94D34", trim: "true", lossless: "true", metadata: "true", colorProfile: "true" },
      "410x310",
    ],
    [{ width: 100, aspectRatio: "4-3", dpr: 2, crop: "force", focus: "left", quality: 5 }, "200x150"],
    [{ width: 100, height: 100, cropMode: "extract", x: 10, y: 20, blur: 3, radius: 4 }, "100x100"],
    [{ height: 300, width: 400, raw: "l-text,i-Imagekit,fs-50,l-end" }, "400x300"],
    [{ height: 300, width: 400, raw: "l-image,i-red.png,w-100,b-10_CDDC39,l-end" }, "400x300"],
    [{ height: 300, width: 400, raw: "l-image,i-ik_canvas,bg-FF0000,w-300,h-100,l-end" }, "400x300"],
    [{ raw: "w-300,h-200,l-image,i-folder@@logo @1.png,l-end" }, "300x200"],
    [{ named: "media_library_thumbnail" }, "100x75"],
    [{ defaultImage: "/red.png/", width: 40 }, "40x30"],
  ];
  for (const [steps, size] of rows) {
    it(`${JSON.stringify(steps)} → ${size}`, async () => {
      const transformation = [steps].flat() as readonly Step[];
      const options: readonly OldOptions[] = [
        { path: "/quarters.png", transformation },
        { path: "/quarters.png", transformation, transformationPosition: "query" },
        { src: `${server.url}/quarters.png?x=1`, transformation, queryParameters: { v: "123" } },
      ];
      const sizes = new Set<string>();
      for (const one of options) {
        for (const url of [sdks.old(server.url, KEY).url(one), sdks.oldJavascript(server.url).url(one)]) {
          // imagekit-javascript 4 names the effects as the current SDKs do.
          if (/effect[A-Z]|rotate-/.test(url)) continue;
          const { width, height } = await look(await server.ask(sent(url)));
          sizes.add(`${width}x${height}`);
        }
      }
      assert.deepEqual([...sizes], [size]);
    });
  }

  it("spaces of a text are spaces in both positions", async () => {
    const transformation = [{ width: 300, raw: "l-text,i-Hello World,l-end", format: "png" }];
    const [path, query, plus] = await Promise.all([
      server.ask(sent(sdks.old(server.url, KEY).url({ path: "/white.png", transformation }))),
      server.ask(
        sent(
          sdks
            .old(server.url, KEY)
            .url({ path: "/white.png", transformation, transformationPosition: "query" }),
        ),
      ),
      server.ask("/white.png?tr=w-300,l-text,i-Hello%2BWorld,l-end,f-png"),
    ]);
    assert(path?.status === 200 && path.body.equals(query?.body ?? Buffer.alloc(0)));
    assert(plus?.status === 200 && !plus.body.equals(path.body));
  });
});
