import assert from "node:assert/strict";
import type { Plugin, RawFrame, Size, StepOf } from "@mediatap/core";
import type { StepDefinition } from "@mediatap/core/steps";
import { imageSharp } from "@mediatap/image-sharp";
import { describeStep } from "@mediatap/test";
import { z } from "zod";
import { failuresOf } from "../../helpers/failures.ts";

declare module "@mediatap/core" {
  interface Steps {
    /** A step for this suite: the picture `times` narrower, its colours inverted. */
    "test-squeeze": { readonly times: number };
  }
}

type Squeeze = StepOf<"test-squeeze">;
type Work = (frame: RawFrame, step: Squeeze) => RawFrame | Promise<RawFrame>;

const OP = "test-squeeze";
const schema = z.strictObject({ op: z.literal(OP), times: z.int().min(0).max(100) });
const sizeOf = ({ times }: Squeeze, { width, height }: Size): Size => ({
  width: Math.ceil(width / Math.max(1, times)),
  height,
});

function squeezed(frame: RawFrame, step: Squeeze): RawFrame {
  const { data, channels, width } = frame;
  const size = sizeOf(step, frame);
  const out = new Uint8Array(size.width * size.height * channels);
  for (let y = 0; y < size.height; y++) {
    for (let x = 0; x < size.width; x++) {
      for (let channel = 0; channel < channels; channel++) {
        const value = data[(y * width + x * step.times) * channels + channel] ?? 0;
        const isAlpha = channels % 2 === 0 && channel === channels - 1;
        out[(y * size.width + x) * channels + channel] = isAlpha ? value : 255 - value;
      }
    }
  }
  return { data: out, ...size, channels };
}

interface Mutation {
  readonly definition?: Partial<Record<keyof StepDefinition<Squeeze>, unknown>>;
  readonly work?: Work;
  readonly fingerprint?: boolean;
}

function squeeze({ definition, work = squeezed, fingerprint = true }: Mutation = {}): Plugin {
  const name = "step-squeeze";
  return {
    name,
    version: "1.0.0",
    apiVersion: 1,
    apply(api) {
      if (fingerprint) api.fingerprint(`${name}@1.0.0`);
      const right: StepDefinition<Squeeze> = {
        schema,
        canonical: (step) => (step.times === 0 ? undefined : step),
        size: (step, { current }) => sizeOf(step, current),
        opaque: true,
        cost: () => 1,
      };
      api.steps.define(OP, { ...right, ...definition } as typeof right);
      api.hooks.step.for(OP).tapPromise(name, async (frame, step) => work(frame, step));
    },
  };
}

const frameOf = (change: (frame: RawFrame) => RawFrame): Mutation => ({
  work: (frame, step) => change(squeezed(frame, step)),
});

const shared = new Uint8Array(64 * 48 * 4);

const MUTANTS: Readonly<Record<string, readonly [Mutation, RegExp]>> = {
  "returns another size": [{ work: (frame) => frame }, /returns frames of the size/],
  "returns too few samples": [
    frameOf((frame) => ({ ...frame, data: frame.data.subarray(1) })),
    /returns frames of the size/,
  ],
  "changes nothing": [{ definition: { size: undefined }, work: (frame) => frame }, /changes pictures/],
  "is random": [
    frameOf((frame) => ({
      ...frame,
      data: frame.data.map((value) => value ^ Math.floor(Math.random() * 8)),
    })),
    /returns frames of the size/,
  ],
  "fails on grey pictures": [
    {
      work(frame, step) {
        if (frame.channels < 3) throw new Error("three channels only");
        return squeezed(frame, step);
      },
    },
    /returns frames of the size/,
  ],
  "passes on pictures of one pixel": [
    { work: (frame, step) => (frame.width === 1 ? (undefined as never) : squeezed(frame, step)) },
    /returns frames of the size/,
  ],
  "uses one buffer for all": [
    {
      async work(frame, step) {
        const { data, ...size } = squeezed(frame, step);
        shared.fill(0);
        await new Promise(setImmediate);
        shared.set(data);
        await new Promise(setImmediate);
        return { ...size, data: shared.subarray(0, data.length) };
      },
    },
    /returns frames of the size/,
  ],
  "says that it stays opaque, and does not": [
    frameOf(({ data, width, height, channels }) => {
      const alpha = channels % 2 === 0 ? channels - 1 : -1;
      return {
        data: data.map((value, at) => (at % channels === alpha ? 9 : value)),
        width,
        height,
        channels,
      };
    }),
    /keeps opaque pictures opaque/,
  ],
  "promises a size of zero": [
    {
      definition: {
        size: (step: Squeeze, { current }: { current: Size }) => ({
          ...current,
          width: Math.floor(current.width / step.times),
        }),
      },
    },
    /promises a size/,
  ],
  "promises a fraction of a pixel": [
    {
      definition: {
        size: (step: Squeeze, { current }: { current: Size }) => ({
          ...current,
          width: current.width / step.times,
        }),
      },
    },
    /promises a size/,
  ],
  "has no price": [{ definition: { cost: () => Number.NaN } }, /promises a size and a cost/],
  "has a canonical form that goes on changing": [
    { definition: { canonical: (step: Squeeze) => ({ ...step, times: step.times + 1 }) } },
    /canonical form/,
  ],
  "takes different steps for the same": [
    { definition: { canonical: (step: Squeeze) => ({ ...step, times: 2 }) } },
    /canonical form|shares a cache entry/,
  ],
  "takes equal steps for different ones": [
    { definition: { canonical: (step: Squeeze) => step } },
    /shares a cache entry/,
  ],
  "accepts everything": [
    {
      definition: {
        schema: { "~standard": { version: 1, vendor: "x", validate: (value: unknown) => ({ value }) } },
      },
    },
    /refused with a 4xx/,
  ],
  "checks later": [
    {
      definition: {
        schema: { "~standard": { version: 1, vendor: "x", validate: async (value: unknown) => ({ value }) } },
      },
    },
    /schema accepts/,
  ],
  "has no fingerprint": [{ fingerprint: false }, /fingerprint/],
};

describe("describeStep", () => {
  const suite = (mutation?: Mutation) => () =>
    describeStep("squeeze", () => ({
      plugin: squeeze(mutation),
      engine: imageSharp(),
      steps: [
        { op: OP, times: 1 },
        { op: OP, times: 3 },
      ],
      nothing: [{ op: OP, times: 0 }],
      wrong: [{ op: OP, times: -1 }, { op: OP }],
    }));

  it("passes a step that keeps every promise", async () => {
    assert.deepEqual(await failuresOf(suite()), []);
  });

  for (const [what, [mutation, title]] of Object.entries(MUTANTS)) {
    it(`fails a step that ${what}`, async () => {
      const titles = (await failuresOf(suite(mutation))).map(({ title }) => title);
      assert(
        titles.some((one) => title.test(one)),
        `failed: ${titles.join("; ")}`,
      );
    });
  }
});
