import assert from "node:assert/strict";
import { MediaError, type MediatapConfig, type Plugin } from "@mediatap/core";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import fc from "fast-check";
import sharp from "sharp";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";
import { signed } from "../support/signed.ts";

const KEY = "private_key_of_the_verdicts";

/** An origin of one file, which cannot be opened: the machine has run out of descriptors. */
const shortage: Plugin = {
  name: "storage-shortage",
  version: "1.0.0",
  apiVersion: 1,
  apply({ hooks }) {
    hooks.storage.for("SHORTAGE").tap("storage-shortage", () => ({
      async open(path) {
        if (path === "busy.jpg")
          throw new MediaError("EBUSY", "The server is busy", { retryAfterSeconds: 5 });
        return undefined;
      },
    }));
  },
};

describe("the verdict of explain", () => {
  let folder: TestFolder;
  let server: TestServer;

  before(async () => {
    const frame = (background: string) => ({
      create: { width: 24, height: 16, channels: 3 as const, background },
    });
    const frames = await Promise.all(["red", "lime"].map((color) => sharp(frame(color)).png().toBuffer()));
    folder = await makeFolder({
      "photo.jpg": await photo(120, 80),
      "logo.png": await photo(30, 20, "png"),
      "moves.gif": await sharp(frames, { join: { animated: true } })
        .gif()
        .toBuffer(),
      "drawing.svg":
        '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><g><path d="M0 0h9v9z"/></g></svg>',
      "broken.jpg": "no picture",
      "notes.txt": "text",
      unknown: "text",
    });
    server = await startServer(config());
  });
  after(async () => {
    await server.close();
    await folder.close();
  });

  /** Endpoints with rules, and tenants with limits, of the same files. */
  function config(): MediatapConfig {
    const origins = { files: { type: "FOLDER", path: folder.path }, shortage: { type: "SHORTAGE" } };
    const place = { origins: ["files", "shortage"] };
    const account = { origins, endpoints: { default: place }, namedTransformations: { small: "w-40" } };
    return {
      plugins: usual(shortage),
      server: { explain: true },
      privateKey: KEY,
      ...account,
      endpoints: {
        default: place,
        signed: { ...place, restrictUnsigned: "images" },
        named: { ...place, restrictUnnamed: true },
        few: { ...place, allowedFormats: ["jpeg", "png"] },
        blocked: { ...place, blockedUserAgents: ["bot"] },
      },
      tenants: {
        steps: { ...account, limits: { steps: 1 } },
        layers: { ...account, limits: { layers: 0 } },
        pixels: { ...account, limits: { megapixels: 0.001, frames: 1 } },
        output: { ...account, limits: { outputMegapixels: 0.002, outputSide: 60 } },
        bytes: { ...account, limits: { imageBytes: 300, svgBytes: 30, svgElements: 2 } },
        tokens: { ...account, limits: { expressionTokens: 1 } },
      },
    };
  }

  const prefix = fc.constantFrom(
    ...["", "/signed", "/named", "/few", "/blocked"],
    ...["/steps", "/layers", "/pixels", "/output", "/bytes", "/tokens"],
  );
  const file = fc.constantFrom(
    ...["photo.jpg", "logo.png", "moves.gif", "drawing.svg", "broken.jpg", "notes.txt", "unknown"],
    ...["missing.jpg", "%00.jpg", "photo.jpg/ik-thumbnail.jpg", "photo.jpg/ik-master.m3u8", "missing"],
  );
  const item = fc.constantFrom(
    ...["w-20", "w-70", "h-0.5", "w-iw_div_2", "w-abc", "rt-90", "rt-N5", "bl-2", "e-grayscale", "t-true"],
    ...["f-png", "f-webp", "f-avif", "f-auto", "orig-true", "n-small", "n-none", "pg-2", "so-1", "q-50"],
    ...[
      "c-force",
      "cm-extract",
      "x-5",
      "fo-face",
      "di-logo.png",
      "di-missing.png",
      "di-notes.txt",
      "di-busy.jpg",
      "bg-blurred",
      "w-0",
    ],
    ...[
      "l-image,i-logo.png,l-end",
      "l-image,i-missing.png,l-end",
      "l-text,i-hi,l-end",
      "if-w_gt_50,w-50,if-end",
    ],
  );
  const chain = fc
    .array(fc.array(item, { minLength: 1, maxLength: 3 }), { maxLength: 3 })
    .map((steps) => steps.map((items) => items.join(",")).join(":"));
  const signature = fc.constantFrom<(url: string) => string>(
    (url) => url,
    (url) => url,
    (url) => signed(url, KEY),
    (url) => signed(url, "another key"),
    (url) => signed(url, KEY, 1_700_000_000),
  );
  const request = fc
    .tuple(prefix, file, chain, signature, fc.constantFrom("*/*", "image/avif,image/webp"), fc.boolean())
    .map(([prefix, file, chain, sign, accept, isBot]) => {
      const headers = { accept, "user-agent": isBot ? "bot" : "browser" };
      return { url: prefix + sign(`/${file}${chain === "" ? "" : `?tr=${chain}`}`), headers };
    });

  for (const [name, status] of [
    ["busy.jpg", 503],
    ["notes.txt", 404],
    ["missing.png", 404],
    ["logo.png", 200],
  ] as const) {
    it(`is ${status} if the default image is ${name}`, async () => {
      const url = `/tr:w-20,di-${name}/nowhere.jpg`;
      const explained = JSON.parse((await server.ask(`/-/explain?${new URLSearchParams({ url })}`)).text);
      assert.deepEqual([explained.status, (await server.ask(url)).status], [status, status]);
    });
  }

  it("is the status of the response, for any URL, endpoint and tenant", async () => {
    await fc.assert(
      fc.asyncProperty(request, async ({ url, headers }) => {
        const query = new URLSearchParams({ url, ...headers });
        const explained = JSON.parse((await server.ask(`/-/explain?${query}`)).text);
        const { status, text } = await server.ask(url, { headers });
        assert.equal(explained.status, status, `${url}: ${text} ${JSON.stringify(explained.errors)}`);
        const exceeded =
          explained.limits === "pending"
            ? []
            : explained.limits.filter((use: { exceeded: boolean }) => use.exceeded);
        if (status === 200 && explained.errors.length === 0) assert.deepEqual(exceeded, [], url);
      }),
      { numRuns: 300 },
    );
  });
});
