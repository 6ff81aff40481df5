import assert from "node:assert/strict";
import type { Plugin, RawFrame, Step } from "@mediatap/core";
import type { Rgba } from "@mediatap/core/steps";
import {
  jobLanguage,
  jobUrl,
  MEMORY_ENDPOINT,
  memoryStorage,
  startServer,
  type TestServer,
} from "@mediatap/test";
import sharp from "sharp";
import { imageSharp } from "../../src/index.ts";

describe("frames for steps of plugins", () => {
  const COLOUR = { r: 200, g: 100, b: 50 };
  const files = new Map<string, Uint8Array>();
  const frames: RawFrame[] = [];
  let server: TestServer;
  before(async () => {
    const plain = (background: Partial<Rgba>, channels: 3 | 4 = 3) =>
      sharp({ create: { width: 8, height: 4, channels, background } });
    const grey = { r: 120, g: 120, b: 120 };
    for (const [name, image] of [
      ["rgb.jpg", plain(COLOUR).jpeg({ quality: 100, chromaSubsampling: "4:4:4" })],
      ["clear.png", plain({ ...COLOUR, alpha: 0.5 }, 4).png()],
      ["grey.png", plain(grey).toColourspace("b-w").png()],
      [
        "grey-clear.png",
        plain({ ...grey, alpha: 0.5 }, 4)
          .toColourspace("b-w")
          .png(),
      ],
      ["deep.png", plain(COLOUR).toColourspace("rgb16").png()],
      ["p3.png", plain(COLOUR).withIccProfile("p3").png()],
      ["palette.png", plain(COLOUR).png({ palette: true })],
    ] as const) {
      files.set(name, await image.toBuffer());
    }
    const any = { "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) } };
    const capture: Plugin = {
      name: "test-capture",
      version: "1.0.0",
      apiVersion: 1,
      apply({ hooks, steps }) {
        steps.define("test-capture" as never, { schema: any as never });
        hooks.step.for("test-capture" as never).tap("test-capture", (frame) => {
          frames.push({ ...frame, data: Uint8Array.from(frame.data) });
          return frame;
        });
      },
    };
    server = await startServer({
      plugins: [jobLanguage(), memoryStorage(files), imageSharp(), capture],
      ...MEMORY_ENDPOINT,
    });
  });
  after(() => server.close());

  for (const [name, pixel] of [
    ["rgb.jpg", [200, 100, 50]],
    ["clear.png", [200, 100, 50, 128]],
    ["grey.png", [120, 120, 120]],
    ["grey-clear.png", [120, 120, 120, 128]],
    ["deep.png", [200, 100, 50]],
    ["p3.png", [200, 100, 50]],
    ["palette.png", [200, 100, 50]],
  ] as const) {
    for (const colorProfile of ["srgb", "keep"] as const) {
      it(`are sRGB with straight alpha: ${name}, colour profile ${colorProfile}`, async () => {
        frames.length = 0;
        const steps = [{ op: "test-capture" } as unknown as Step];
        const { status } = await server.ask(jobUrl(name, { steps, output: { format: "png", colorProfile } }));
        assert.equal(status, 200);
        const [frame] = frames;
        assert(frame);
        assert.deepEqual([frame.width, frame.height, frame.channels], [8, 4, pixel.length]);
        for (const [channel, value] of pixel.entries()) {
          assert(Math.abs((frame.data[channel] ?? -1) - value) <= 2, `${[...frame.data.subarray(0, 4)]}`);
        }
      });
    }
  }
});
