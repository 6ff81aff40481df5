import assert from "node:assert/strict";
import { type Exchange, type Job, MediaError, type Plugin } from "@mediatap/core";
import { describeLanguage, type LanguageSetup } from "@mediatap/test";
import { pixelate } from "../../../examples/custom-step/pixelate.ts";
import { signed, urlPixels } from "../../../examples/custom-step/url-pixels.ts";
import { failuresOf } from "../../helpers/failures.ts";
import { type Change, mutated } from "../support/mutated.ts";

const SETUP: Omit<LanguageSetup, "plugin"> = {
  beside: [pixelate()],
  equal: [["/pixels1/a.jpg", "/a.jpg"]],
  different: ["/a.jpg", "/b.jpg", "/a.jpg?v=2", "/w9/a.jpg", "/pixels9/a.jpg"],
  wrong: ["/pixels0/a.jpg"],
  unresolvable: ["/w9/../a.jpg"],
  sign: signed,
};

const job =
  (change: (job: Job, exchange: Exchange) => Job | undefined): Change =>
  async (next, exchange: Exchange) => {
    const found = (await next()) as Job | undefined;
    return found && change(found, exchange);
  };
const admit = (change: Change) => ({ admit: change });
const asset = (change: (path: string) => string) => ({
  resolve: job((found) => ({ ...found, asset: { ...found.asset, path: change(found.asset.path) } })),
});

const MUTANTS: Readonly<Record<string, Readonly<Record<string, Change>>>> = {
  "throws where it must return a problem": {
    resolve: job((found) => {
      if (found.problem) throw new MediaError(found.problem.code, found.problem.message);
      return found;
    }),
  },
  "leaves out what it does not understand": { resolve: job(({ problem: _, ...found }) => found) },
  "fails where a URL is wrong": {
    resolve: job((found) => {
      if (found.problem) throw new Error("defect");
      return found;
    }),
  },
  "passes on what is wrong": { resolve: job((found) => (found.problem ? undefined : found)) },
  "names another language": { resolve: job((found) => ({ ...found, language: "another" })) },
  "puts a slash before paths": asset((path) => `/${path}`),
  "lets paths climb": asset((path) => `x/../${path}`),
  "forgets which file was asked for": asset(() => "a.jpg"),
  "forgets the query": { resolve: job((found) => ({ ...found, query: [] })) },
  "forgets a step": {
    resolve: job((found) => ({ ...found, transformation: { ...found.transformation, steps: [] } })),
  },
  "makes each request another one": {
    resolve: job((found) => ({ ...found, query: [["n", `${Math.random()}`]] })),
  },
  "looks at undeclared headers": {
    resolve: job((found, { request }) => ({ ...found, query: [["from", request.header("referer") ?? ""]] })),
  },
  "knows one endpoint only": {
    resolve: job((found) => ({ ...found, asset: { ...found.asset, endpoint: "default" } })),
  },
  "takes every signature": admit((_next, { claims }: Exchange) => {
    claims.signature = "valid";
  }),
  "takes no signature": admit(() => {}),
  "takes a wrong signature for none": admit(async (next, { claims }: Exchange) => {
    await next();
    if (claims.signature === "wrong") delete claims.signature;
  }),
  "claims that all it does is named": admit(async (next, { claims }: Exchange) => {
    await next();
    claims.transformation = "named";
  }),
};

describe("describeLanguage", () => {
  it("passes a language that keeps every promise", async () => {
    const same = {
      resolve: job((found) => found),
      admit: (async (next) => void (await next())) satisfies Change,
    };
    const plugin = mutated(urlPixels(), same);
    assert.deepEqual(await failuresOf(() => describeLanguage("right", { ...SETUP, plugin })), []);
  });

  for (const [what, changes] of Object.entries(MUTANTS)) {
    it(`fails a language that ${what}`, async () => {
      const plugin: Plugin = mutated(urlPixels(), changes);
      const failures = await failuresOf(
        () => describeLanguage("mutant", { ...SETUP, plugin }),
        /^(?!answers (?:any|its))/,
      );
      assert(failures.length > 0, "no test failed");
    });
  }
});
