import assert from "node:assert/strict";
import { invalid, type Step } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import {
  describeLanguage,
  MEMORY_ENDPOINT,
  makePng,
  memoryStorage,
  readPng,
  startServer,
  type TestServer,
} from "@mediatap/test";
import { pixelate } from "../../../examples/custom-step/pixelate.ts";
import { type CustomParameters, parseChain, printChain, urlImagekit } from "../src/index.ts";

/** Blocks of one colour: `e-pixels-12`. */
const parameters: CustomParameters = {
  "e-pixels": {
    read(value, key): Step {
      if (!/^[1-9]\d{0,2}$/.test(value)) throw invalid(key, "integer from 1 to 999", value);
      return { op: "pixelate", size: Number(value) };
    },
    print: (step) => (step.op === "pixelate" ? `${step.size}` : undefined),
  },
};

describeLanguage("url-imagekit with a parameter of a plugin", {
  plugin: urlImagekit({ parameters }),
  beside: [pixelate()],
  config: { namedTransformations: { blocks: "w-150,e-pixels-9" } },
  equal: [
    ["/tr:w-100,e-pixels-12/a.jpg", "/tr:e-pixels-12,w-100/a.jpg", "/a.jpg?tr=w-100,e-pixels-12"],
    ["/tr:n-blocks/a.jpg", "/tr:w-150,e-pixels-9/a.jpg"],
    ["/tr:e-pixels-1/a.jpg", "/a.jpg"],
  ],
  different: [
    "/a.jpg",
    "/tr:w-100/a.jpg",
    "/tr:w-100,e-pixels-12/a.jpg",
    "/tr:w-100:e-pixels-13/a.jpg",
    "/tr:e-pixels-12:w-100/a.jpg",
    "/tr:if-w_gt_100,e-pixels-12,if-else,e-pixels-8,if-end/a.jpg",
    "/tr:l-image,i-b.jpg,e-pixels-12,l-end/a.jpg",
  ],
  named: ["/tr:n-blocks/a.jpg"],
  wrong: ["/tr:e-pixels-0/a.jpg", "/tr:e-pixels/a.jpg", "/tr:e-pixel-12/a.jpg", "/clip.mp4?tr=e-pixels-12"],
});

describe("parameters of a plugin in url-imagekit", () => {
  const stepsOf = (chain: string) => parseChain(chain, { parameters }).steps.map(({ op }) => op);

  it("are done after the language's own, before layers, and in conditions and layers too", () => {
    assert.deepEqual(stepsOf("e-pixels-12,bl-4,w-100,l-text,i-a,l-end"), [
      "resize",
      "blur",
      "pixelate",
      "overlay",
    ]);
    assert.deepEqual(stepsOf("e-pixels-12:w-100"), ["pixelate", "resize"]);
    const [layer] = parseChain("l-image,i-b.jpg,w-10,e-pixels-3,l-end", { parameters }).steps;
    assert(layer?.op === "overlay" && layer.layer.kind === "image");
    assert.deepEqual(layer.layer.steps.map(({ op }) => op).slice(-2), ["resize", "pixelate"]);
  });

  it("are printed as they are read", () => {
    for (const chain of [
      "e-pixels-12",
      "w-100,e-pixels-12",
      "e-pixels-12:w-100",
      "if-w_gt_9,e-pixels-2,if-end",
    ]) {
      assert.equal(printChain(parseChain(chain, { parameters }), parameters), chain);
    }
    const silent = { "e-pixels": { read: parameters["e-pixels"]?.read as never } };
    assert.throws(() => printChain(parseChain("e-pixels-12", { parameters }), silent), {
      code: "EUNSUPPORTED",
    });
  });

  it("are suggested to whoever misspells them", () => {
    assert.throws(
      () => parseChain("e-pixel-12", { parameters }),
      /received 'e-pixel', did you mean "e-pixels"\?$/,
    );
  });

  for (const [options, message] of [
    [
      { w: { read: () => ({}) } },
      "url-imagekit.parameters.w: the language has this parameter already; choose another key",
    ],
    [
      { lx: { read: () => ({}) } },
      "url-imagekit.parameters.lx: the language has this parameter already; choose another key",
    ],
    [
      { if: { read: () => ({}) } },
      "url-imagekit.parameters.if: the language has this parameter already; choose another key",
    ],
    [
      { "a-b": { read: () => ({}) } },
      "url-imagekit.parameters.a-b: Expected up to 40 letters and digits as the key, with or without e- before it",
    ],
    [{ tone: {} }, "url-imagekit.parameters.tone: Expected { read, print } with functions"],
    [5, "url-imagekit.parameters: Expected object but received 5"],
  ] as const) {
    it(`are refused at start: ${message}`, () => {
      assert.throws(() => urlImagekit({ parameters: options as never }), { code: "ECONFIG", message });
    });
  }

  describe("in a server", () => {
    let server: TestServer;
    before(async () => {
      const picture = makePng(32, 32, (x, y) => [x * 8, y * 8, 0, 255]);
      server = await startServer({
        plugins: [urlImagekit({ parameters }), pixelate(), memoryStorage(picture), imageSharp()],
        ...MEMORY_ENDPOINT,
      });
    });
    after(() => server.close());

    it("make pictures", async () => {
      const { status, body, text } = await server.ask("/tr:e-pixels-16,f-png/a.png");
      assert.equal(status, 200, text.slice(0, 200));
      const { width, height, at } = readPng(body);
      assert.deepEqual([width, height], [32, 32]);
      for (const [x, y] of [
        [1, 1],
        [15, 15],
      ] as const) {
        assert.deepEqual(at(x, y), at(8, 8));
      }
      assert.notDeepEqual(at(8, 8), at(24, 24));
    });

    it("say what is wrong", async () => {
      const { status, text } = await server.ask("/tr:e-pixels-x/a.png");
      assert.deepEqual(
        [status, text],
        [400, "Expected integer from 1 to 999 for e-pixels but received 'x'\n"],
      );
    });
  });
});
