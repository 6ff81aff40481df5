import assert from "node:assert/strict";
import {
  createBuiltInRegistry,
  DEFAULT_LIMITS,
  type Exchange,
  type Header,
  type LimitName,
  type Output,
  type Plugin,
  type RawFrame,
  type Size,
  type Step,
} from "@mediatap/core";
import { measure } from "@mediatap/core/steps";
import fc from "fast-check";
import { makePng } from "../helpers/png.ts";
import { type Answer, type AskOptions, startServer, type TestServer } from "../helpers/server.ts";
import {
  jobLanguage,
  jobUrl,
  MEMORY_ENDPOINT,
  memoryStorage,
  type Witness,
  witness,
} from "../helpers/stand-ins.ts";
import { until } from "../helpers/until.ts";
import { after, before, beforeEach, describe, it } from "./runner.ts";

declare module "@mediatap/core" {
  interface Steps {
    /** A step of no engine's own, for the contract. */
    "test-invert": Record<never, never>;
  }
}

/** An image engine to be tried. */
export interface TransformSetup {
  readonly plugin: Plugin;
  /** A still picture that it reads, and what its header says. @default a PNG with alpha */
  readonly picture?: {
    readonly bytes: Uint8Array;
    readonly name: string;
    readonly header: Partial<Header> & Size;
  };
  /** It hands steps that it does not know to the `step` hook. @default true */
  readonly foreignSteps?: boolean;
}

const SIZE = { width: 64, height: 48 };

function defaultPicture(): NonNullable<TransformSetup["picture"]> {
  const bytes = makePng(SIZE.width, SIZE.height, (x, y) => [x * 4, y * 5, 128, y < 24 ? 255 : 128]);
  return { bytes, name: "picture.png", header: { format: "png", ...SIZE, frames: 1, alpha: true } };
}

/** A language of requests, files in memory, and this engine. */
interface Studio extends AsyncDisposable {
  readonly files: Map<string, Uint8Array>;
  readonly server: TestServer;
  readonly seen: Witness;
  /** Asks for a file with steps and output. */
  make(path: string, steps?: readonly Step[], output?: Output, options?: AskOptions): Promise<Answer>;
  /** What the engine's own inspector says of some bytes. */
  header(bytes: Uint8Array, name: string): Promise<Header>;
  close(): Promise<void>;
}

async function studio(plugin: Plugin, limits: Partial<Record<LimitName, number>> = {}): Promise<Studio> {
  const files = new Map<string, Uint8Array>();
  const seen = witness();
  const server = await startServer({
    plugins: [jobLanguage(), memoryStorage(files), plugin, inverter(), seen],
    ...MEMORY_ENDPOINT,
    limits,
  });
  const make: Studio["make"] = (path, steps = [], output = {}, options) =>
    server.ask(jobUrl(path, { steps, output }), options);
  return {
    files,
    server,
    seen,
    make,
    async header(bytes, name) {
      files.set(name, bytes);
      await make(name, [], { format: "original" });
      const [exchange] = seen.exchanges;
      const { metadata } = await server.server.runtime.pipeline.explain(exchange as Exchange);
      assert(typeof metadata.header === "object", `${name} is a picture: ${metadata.header}`);
      return metadata.header;
    },
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

/** Frames that the step of the contract was given. */
const inverted: RawFrame[] = [];

/** Defines `test-invert`, and carries it out; `test-nobody` is defined, and nobody does it. */
function inverter(): Plugin {
  const name = "test-steps";
  const any = {
    "~standard": { version: 1, vendor: name, validate: (value: unknown) => ({ value }) },
  } as const;
  return {
    name,
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks, steps }) {
      steps.define("test-invert", { schema: any as never });
      steps.define("test-nobody" as "test-invert", { schema: any as never });
      hooks.step.for("test-invert").tap(name, (frame) => {
        inverted.push(frame);
        return {
          ...frame,
          data: frame.data.map((value, at) => (at % frame.channels === 3 ? value : 255 - value)),
        };
      });
    },
  };
}

const CHAINS: Readonly<Record<string, readonly Step[]>> = {
  "smaller by width": [{ op: "resize", width: 20, fit: "inside", enlarge: false }],
  "smaller by height": [{ op: "resize", height: 11, fit: "inside", enlarge: false }],
  "inside a box": [{ op: "resize", width: 30, height: 30, fit: "inside", enlarge: false }],
  "filling a box": [{ op: "resize", width: 31, height: 17, fit: "fill", enlarge: true }],
  "covering a box": [{ op: "resize", width: 30, height: 40, fit: "cover", enlarge: true }],
  "padded to a box": [{ op: "resize", width: 50, height: 50, fit: "contain", enlarge: true }],
  larger: [{ op: "resize", width: 200, fit: "inside", enlarge: true }],
  "not larger": [{ op: "resize", width: 200, fit: "inside", enlarge: false }],
  "half of the original": [
    { op: "resize", width: ["div", "originalWidth", 2], fit: "inside", enlarge: true },
  ],
  "cut out": [{ op: "extract", width: 20, height: 10, outside: "error", shrink: true }],
  "on its side": [{ op: "rotate", angle: 90 }],
  "with a border": [{ op: "border", width: 3, color: { r: 1, g: 2, b: 3, alpha: 1 } }],
  "one after the other": [
    { op: "extract", width: 40, height: 40, outside: "error", shrink: true },
    { op: "rotate", angle: 270 },
    { op: "resize", width: 10, height: 20, fit: "cover", enlarge: true },
  ],
};

/**
 * What every image engine promises, as a suite for mocha or `node:test`:
 * `describeTransform("my engine", () => ({ plugin: myEngine() }))`.
 * Sizes are compared with `measure`, by the engine's own reading of its results.
 */
export function describeTransform(name: string, setup: () => TransformSetup | Promise<TransformSetup>): void {
  describe(`${name} as an image engine`, () => {
    let place: TransformSetup;
    let picture: NonNullable<TransformSetup["picture"]>;
    let room: Studio;
    before(async () => {
      place = await setup();
      picture = place.picture ?? defaultPicture();
      room = await studio(place.plugin);
    });
    beforeEach(() => room.files.set(picture.name, picture.bytes));
    after(() => room?.close());

    const wants = (steps: readonly Step[], output: Output = {}): Size => {
      const { width, height } = picture.header;
      const sizes = measure({ steps, output }, { width, height }, createBuiltInRegistry(), DEFAULT_LIMITS);
      return sizes.at(-1) ?? { width, height };
    };

    async function made(steps: readonly Step[], output: Output = { format: "png" }): Promise<Answer> {
      const answer = await room.make(picture.name, steps, output);
      assert.equal(answer.status, 200, answer.text.slice(0, 200));
      return answer;
    }

    const failureOf = async (answer: Promise<Answer>) => {
      const { status } = await answer;
      return { status, code: room.seen.exchanges[0]?.error?.code };
    };

    it("knows what a picture's header says", async () => {
      const header = await room.header(picture.bytes, picture.name);
      for (const [field, value] of Object.entries(picture.header)) {
        assert.equal(header[field as keyof Header], value, field);
      }
    });

    it("keeps the size of a picture that is only written again", async () => {
      const { body } = await made([]);
      const { width, height, format } = await room.header(body, "result.png");
      assert.deepEqual(
        { width, height, format },
        { width: picture.header.width, height: picture.header.height, format: "png" },
      );
    });

    for (const [what, steps] of Object.entries(CHAINS)) {
      it(`makes the size that is foretold: ${what}`, async () => {
        const { body } = await made(steps);
        const { width, height } = await room.header(body, "result.png");
        assert.deepEqual({ width, height }, wants(steps));
      });
    }

    it("makes the size that is foretold, whatever the box", { timeout: 120_000 }, async () => {
      const side = fc.option(fc.integer({ min: 1, max: 150 }), { nil: undefined });
      const fit = fc.constantFrom("cover", "contain", "fill", "inside", "outside");
      await fc.assert(
        fc.asyncProperty(side, side, fit, fc.boolean(), async (width, height, fit, enlarge) => {
          const box = {
            ...(width === undefined ? {} : { width }),
            ...(height === undefined ? {} : { height }),
          };
          const steps: Step[] = [{ op: "resize", ...box, fit, enlarge }];
          const { body } = await made(steps);
          const header = await room.header(body, "result.png");
          assert.deepEqual({ width: header.width, height: header.height }, wants(steps));
        }),
        { numRuns: 60 },
      );
    });

    for (const format of ["jpeg", "png", "webp"] as const) {
      it(`writes ${format}, or says that it cannot`, async () => {
        const answer = await room.make(picture.name, [], { format });
        if (room.seen.exchanges[0]?.error?.code === "EUNSUPPORTED") {
          assert.equal(answer.status, 403);
          return;
        }
        assert.equal(answer.status, 200);
        assert.equal(answer.headers["content-type"], `image/${format}`);
        assert.equal((await room.header(answer.body, `result.${format}`)).format, format);
      });
    }

    it("chooses no format that the client does not accept", async () => {
      for (const [accept, allowed] of [
        ["image/png,*/*", /^image\/(?:jpeg|png|gif)$/],
        ["image/webp", /^image\/(?:jpeg|png|gif|webp)$/],
      ] as const) {
        const answer = await room.make(picture.name, [], { format: "auto" }, { headers: { accept } });
        assert.match(answer.headers["content-type"] ?? "", allowed);
        assert.match(answer.headers.vary ?? "", /accept/i);
      }
    });

    it("makes the same bytes each time", async () => {
      await using other = await studio(place.plugin);
      other.files.set(picture.name, picture.bytes);
      const steps = CHAINS["one after the other"] as readonly Step[];
      const [once, again] = [await made(steps), await made(steps)];
      const elsewhere = await other.make(picture.name, steps, { format: "png" });
      assert(once.body.equals(again.body));
      assert(once.body.equals(elsewhere.body));
      assert.equal(once.headers.etag, elsewhere.headers.etag);
    });

    it("prices a plan, and says what it would do, before it does it", async () => {
      await made(CHAINS.larger as readonly Step[]);
      const [exchange] = room.seen.exchanges;
      const { plan } = await room.server.server.runtime.pipeline.explain(exchange as Exchange);
      assert(typeof plan === "object");
      assert.equal(plan.engine, place.plugin.name);
      assert(plan.cost > 0 && Number.isFinite(plan.cost));
      assert(plan.memory >= 0 && Number.isFinite(plan.memory));
      assert(["light", "heavy", "video"].includes(plan.lane));
      assert.doesNotThrow(() => JSON.stringify(plan.explanation));
      assert(plan.explanation);
    });

    it("leaves the original alone where it is asked for", async () => {
      const { body } = await made([], { format: "original" });
      assert(body.equals(picture.bytes));
    });

    it("leaves descriptions of files to others", async () => {
      const { status, code } = await failureOf(room.make(picture.name, [], { info: {} }));
      assert.deepEqual([status, code], [403, "EUNSUPPORTED"]);
    });

    it("passes on what is no picture", async () => {
      for (const [path, text] of [
        ["style.css", "a { color: red }"],
        ["data.json", "{}"],
        ["empty.bin", ""],
        ["noise.bin", "\u0000\u0001PNG"],
      ] as const) {
        room.files.set(path, Buffer.from(text));
        const answer = await room.make(path, CHAINS.larger);
        assert.deepEqual([answer.status, answer.text], [200, text], path);
      }
    });

    it("calls a picture that is broken UNIDENTIFIED", async () => {
      for (const length of [Math.floor(picture.bytes.length * 0.6), 40]) {
        room.files.set(picture.name, picture.bytes.subarray(0, length));
        const { status, code } = await failureOf(
          room.make(picture.name, CHAINS["smaller by width"], { format: "png" }),
        );
        assert.equal(code, "UNIDENTIFIED", `${length} bytes`);
        assert(status === 404 || status === 400, `${status}`);
      }
      const noise = Uint8Array.from(picture.bytes, (value, at) =>
        at < 24 ? value : (value * 31 + at) % 256,
      );
      room.files.set(picture.name, noise);
      assert.equal((await failureOf(room.make(picture.name, [], { format: "png" }))).code, "UNIDENTIFIED");
    });

    it("works on after a picture that was broken", async () => {
      room.files.set(picture.name, picture.bytes.subarray(0, 60));
      await room.make(picture.name, CHAINS.larger, { format: "png" });
      room.files.set(picture.name, picture.bytes);
      await made(CHAINS.larger as readonly Step[]);
    });

    for (const [limit, value, steps] of [
      ["megapixels", 0.001, []],
      ["imageBytes", 50, []],
      ["outputMegapixels", 0.01, [{ op: "resize", width: 400, fit: "inside", enlarge: true }]],
      ["outputSide", 300, [{ op: "resize", width: 400, fit: "inside", enlarge: true }]],
    ] as const) {
      it(`refuses what is beyond ${limit}`, async () => {
        await using strict = await studio(place.plugin, { [limit]: value });
        strict.files.set(picture.name, picture.bytes);
        const answer = await strict.make(picture.name, steps, { format: "webp" });
        assert.equal(strict.seen.exchanges[0]?.error?.code, "ELIMIT");
        assert.equal(answer.status, 400);
      });
    }

    it("refuses a step that fits no picture of this size", async () => {
      const steps: Step[] = [{ op: "extract", width: 9000, height: 10, outside: "error", shrink: true }];
      assert.deepEqual(await failureOf(room.make(picture.name, steps)), { status: 400, code: "EINVAL" });
    });

    it("refuses a step that nobody can do, and never leaves it out", async () => {
      const nobody = { op: "test-nobody" } as unknown as Step;
      const { code } = await failureOf(room.make(picture.name, [nobody], { format: "png" }));
      assert.equal(code, "EUNSUPPORTED");
    });

    it("hands the step of another plugin its pixels, and takes its result, or refuses it", async () => {
      if (place.foreignSteps === false) {
        const { code } = await failureOf(room.make(picture.name, [{ op: "test-invert" }], { format: "png" }));
        assert.equal(code, "EUNSUPPORTED");
        return;
      }
      inverted.length = 0;
      const resize: Step = { op: "resize", width: 16, height: 12, fit: "fill", enlarge: true };
      const { body } = await made([resize, { op: "test-invert" }]);
      const [frame] = inverted;
      assert(frame);
      assert.deepEqual([frame.width, frame.height, frame.data.length], [16, 12, 16 * 12 * frame.channels]);
      const invert: Step = { op: "test-invert" };
      assert(!body.equals((await made([resize])).body));
      assert(!body.equals((await made([resize, invert, invert])).body));
      assert(body.equals((await made([resize, invert, invert, invert])).body), "done twice it is undone");
    });

    it("hands steps of plugins straight sRGB with three channels, or four if there is alpha", async () => {
      if (place.foreignSteps === false) return;
      inverted.length = 0;
      await made([{ op: "test-invert" }]);
      const [frame] = inverted;
      assert(frame);
      assert.equal(frame.channels, picture.header.alpha ? 4 : 3);
      if (place.picture) return;
      for (const [x, y] of [
        [10, 4],
        [50, 40],
      ] as const) {
        const at = (y * SIZE.width + x) * 4;
        assert.deepEqual([...frame.data.subarray(at, at + 4)], [x * 4, y * 5, 128, y < 24 ? 255 : 128]);
      }
    });

    it("stops when nobody waits, and gives its place back", async () => {
      const { scheduler } = room.server.server.runtime;
      const gone = Array.from({ length: 6 }, async (_, at) => {
        const controller = new AbortController();
        const steps: Step[] = [
          { op: "resize", width: 1500 + at, fit: "inside", enlarge: true },
          { op: "blur", sigma: 9 },
        ];
        const asked = room.make(picture.name, steps, { format: "png" }, { signal: controller.signal });
        setTimeout(() => controller.abort(), at * 5);
        await asked.catch(() => {});
      });
      await Promise.all(gone);
      await until(() => scheduler.load().running === 0, "all places are given back");
      const { waiting, waitingCost } = scheduler.load();
      assert.deepEqual([waiting, waitingCost], [0, 0]);
      await made(CHAINS.larger as readonly Step[]);
    });
  });
}
