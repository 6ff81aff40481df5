import assert from "node:assert/strict";
import type { DecodeOptions, Header, Job, Plan, Source } from "@mediatap/core";
import { decodeIco } from "@mediatap/decode-ico";
import { imageSharp } from "@mediatap/image-sharp";
import { describeDecode, describeTransform, makePng, type Spot } from "@mediatap/test";
import { makeIco } from "../../../plugins/decode-ico/test/bitmaps.ts";
import { type Failure, failuresOf } from "../../helpers/failures.ts";
import { type Change, mutated } from "../support/mutated.ts";

/** A mutant, and the tests that are to find it: others are left out, for they take their time. */
type Mutant = readonly [changes: Readonly<Record<string, Change>>, tests: RegExp];

function assertFound(failures: readonly Failure[]): void {
  assert(failures.length > 0, "no test failed");
}

const same: Change = (next) => next();

describe("describeTransform", () => {
  /** What is planned for another job than the one asked for. */
  const planned = (change: (job: Job) => Job): Record<string, Change> => ({
    transform: (next, job: Job, ...rest: unknown[]) => next(change(job), ...rest),
  });
  const steps = (change: (steps: Job["transformation"]["steps"]) => Job["transformation"]["steps"]) =>
    planned((job) => ({
      ...job,
      transformation: { ...job.transformation, steps: change(job.transformation.steps) },
    }));
  const output = (more: Job["transformation"]["output"]) =>
    planned((job) => ({
      ...job,
      transformation: { ...job.transformation, output: { ...job.transformation.output, ...more } },
    }));
  const plan = (change: (plan: Plan) => Plan): Record<string, Change> => ({
    transform: async (next) => {
      const found = (await next()) as Plan | undefined;
      return found && change(found);
    },
  });

  const MUTANTS: Readonly<Record<string, Mutant>> = {
    "leaves out a step": [steps((all) => all.slice(0, -1)), /foretold: (?:smaller by width|cut out)/],
    "leaves out steps that it does not know": [
      steps((all) => all.filter(({ op }) => !op.startsWith("test-"))),
      /nobody can do|step of another plugin/,
    ],
    "does the steps in another order": [steps((all) => all.toReversed()), /foretold: one after the other/],
    "enlarges against the request": [
      steps((all) => all.map((step) => (step.op === "resize" ? { ...step, enlarge: true } : step))),
      /foretold: not larger/,
    ],
    "draws what is to be described": [
      planned(({ transformation: { steps }, ...job }) => ({
        ...job,
        transformation: { steps, output: { format: "png" } },
      })),
      /leaves descriptions/,
    ],
    "writes WebP to everybody": [output({ format: "webp" }), /chooses no format|writes png/],
    "makes other bytes each time": [
      planned((job) => ({
        ...job,
        transformation: {
          ...job.transformation,
          steps: [...job.transformation.steps, { op: "blur", sigma: 1 + Math.random() }],
        },
      })),
      /same bytes each time/,
    ],
    "has no price": [plan((one) => ({ ...one, cost: 0 })), /prices a plan/],
    "has another one's name": [plan((one) => ({ ...one, engine: "another" })), /prices a plan/],
    "writes what is asked for as it is": [
      planned((job) => ({
        ...job,
        transformation: { steps: [{ op: "blur", sigma: 2 }], output: { format: "png" } },
      })),
      /leaves the original alone/,
    ],
    "says nothing of alpha": [
      { "inspect:header": async (next) => ({ ...((await next()) as Header), alpha: false }) },
      /what a picture's header says/,
    ],
  };

  const suite = (changes: Readonly<Record<string, Change>>) => () =>
    describeTransform("mutant", () => ({ plugin: mutated(imageSharp(), changes) }));

  it("passes an engine that keeps every promise", async () => {
    assert.deepEqual(await failuresOf(suite({ transform: same, "inspect:header": same })), []);
  });

  for (const [what, [changes, tests]] of Object.entries(MUTANTS)) {
    it(`fails an engine that ${what}`, async () => {
      assertFound(await failuresOf(suite(changes), tests));
    });
  }
});

describe("describeDecode", () => {
  const SPOTS: readonly Spot[] = [
    [0.25, 0.25, [255, 0, 0, 255]],
    [0.75, 0.75, [0, 0, 255, 255]],
  ];
  const picture = (side: number) =>
    makePng(side, side, (x, y) => (x < side / 2 && y < side / 2 ? [255, 0, 0, 255] : [0, 0, 255, 255]));
  const header = (change: (header: Header) => Header): Record<string, Change> => ({
    "inspect:header": async (next) => {
      const found = (await next()) as Header | undefined;
      return found?.format === "ico" ? change(found) : found;
    },
  });
  const decoded = (change: Change): Record<string, Change> => ({ decode: change });

  const MUTANTS: Readonly<Record<string, Mutant>> = {
    "gives the first page only": [
      decoded((next, source: Source, request: DecodeOptions, ...rest: unknown[]) =>
        next(source, { ...request, page: 1 }, ...rest),
      ),
      /gives each page/,
    ],
    "counts pages wrongly": [
      header((one) => ({ ...one, frames: 1 })),
      /tells what files are|gives each page/,
    ],
    "says another size": [
      header((one) => ({ ...one, width: one.width + 1 })),
      /tells what files are|own size/,
    ],
    "has no price": [header(({ decode: _, ...one }) => one), /tells what files are|price/],
    "passes on its own files": [decoded(() => undefined), /own size/],
    "fails as on a defect": [
      decoded(async () => {
        throw new Error("defect");
      }),
      /damaged|cut off/,
    ],
    "calls its files documents": [
      { "inspect:kind": async (next) => ({ ...((await next()) as object), document: false }) },
      /client's formats decide/,
    ],
  };

  const suite = (changes: Readonly<Record<string, Change>>) => () =>
    describeDecode("mutant", () => ({
      plugin: mutated(decodeIco(), changes),
      engine: imageSharp(),
      document: true,
      files: [
        {
          name: "favicon.ico",
          bytes: makeIco([picture(64), picture(32)]),
          header: { format: "ico", width: 64, height: 64 },
          pages: [
            { width: 64, height: 64, spots: SPOTS },
            { width: 32, height: 32, spots: SPOTS },
          ],
        },
      ],
    }));

  it("passes a decoder that keeps every promise", async () => {
    assert.deepEqual(
      await failuresOf(suite({ decode: same, "inspect:header": same, "inspect:kind": same })),
      [],
    );
  });

  for (const [what, [changes, tests]] of Object.entries(MUTANTS)) {
    it(`fails a decoder that ${what}`, async () => {
      assertFound(await failuresOf(suite(changes), tests));
    });
  }
});
