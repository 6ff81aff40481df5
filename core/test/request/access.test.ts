import assert from "node:assert/strict";
import fc from "fast-check";
import type { Endpoint, Restriction } from "../../src/model/endpoint.ts";
import { codeOf } from "../../src/model/errors.ts";
import type { Claims } from "../../src/model/exchange.ts";
import type { Job } from "../../src/model/job.ts";
import type { Step } from "../../src/model/transformation.ts";
import { checkClaims } from "../../src/request/access.ts";

const path = fc.constantFrom("a.jpg", "a.mp4", "b/c.MOV", "a", "a.css", "mp4", "a.mp4.jpg", "v.ts");
const kind = fc.constantFrom("image", "text", "video", "color", "subtitles");

/** Steps with layers in layers and in branches; whatever else they say is of no account. */
const { steps } = fc.letrec((tie) => ({
  step: fc.oneof(
    { depthSize: "small" },
    fc.constant({ op: "rotate", angle: 90 }),
    fc.record({
      op: fc.constant("overlay"),
      layer: fc.record({ kind, path: fc.constant("x"), steps: tie("steps") }),
    }),
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    fc.record({ op: fc.constant("when"), then: tie("steps"), else: tie("steps") }),
  ),
  steps: fc.array(tie("step"), { maxLength: 2 }),
}));

const job = fc
  .record({
    path,
    kind: fc.constantFrom("path", "url"),
    media: fc.constantFrom("image", "video", "file"),
    steps: steps as fc.Arbitrary<readonly Step[]>,
  })
  .map(({ path, kind, media, steps }) => {
    const asset = { kind, path: kind === "url" ? `https://a.example/${path}?v=x.mp4` : path };
    return { asset, media, transformation: { steps, output: {} } } as Partial<Job> as Job;
  });
const restriction = fc.constantFrom<Restriction>("none", "images", "videos", "all");
const claims = fc.record(
  {
    signature: fc.constantFrom("valid", "wrong", "expired", true, "", null, "Valid", {}),
    transformation: fc.constantFrom("none", "named", "explicit", true, "", null),
  },
  { requiredKeys: [] },
) as fc.Arbitrary<Claims>;

/** What a client gets: a code, or `undefined` if nothing is refused. */
function verdict(rules: Partial<Endpoint>, claims: Claims, job: Job): string | undefined {
  const endpoint = { restrictUnsigned: "none", restrictUnnamed: false, ...rules } as Endpoint;
  try {
    checkClaims(endpoint, claims, job);
    return undefined;
  } catch (error) {
    return codeOf(error);
  }
}

describe("the rules about claims", () => {
  it("never open because of a claim that is left out", () => {
    fc.assert(
      fc.property(
        restriction,
        fc.boolean(),
        claims,
        job,
        (restrictUnsigned, restrictUnnamed, claims, job) => {
          const rules = { restrictUnsigned, restrictUnnamed };
          if (verdict(rules, claims, job) === undefined) return;
          const { signature, transformation } = claims;
          const isRefused = signature === "wrong" || signature === "expired";
          for (const fewer of [{}, { signature }, ...(isRefused ? [] : [{ transformation }])]) {
            // A signature that is wrong is the one claim that closes.
            if (isRefused && !("signature" in fewer)) continue;
            assert.notEqual(verdict(rules, fewer as Claims, job), undefined);
          }
        },
      ),
    );
  });

  it("open restricted endpoints to nothing but the claims that there are", () => {
    fc.assert(
      fc.property(claims, job, (claims, job) => {
        const { signature, transformation } = claims;
        assert.equal(verdict({ restrictUnsigned: "all" }, claims, job) === undefined, signature === "valid");
        const isNamed = transformation === "none" || transformation === "named";
        const isRight = signature !== "wrong" && signature !== "expired";
        assert.equal(verdict({ restrictUnnamed: true }, claims, job) === undefined, isNamed && isRight);
      }),
    );
  });

  it("leave no asset that neither images nor videos covers, and follow layers", () => {
    fc.assert(
      fc.property(job, (job) => {
        const covers = (restrictUnsigned: Restriction) =>
          verdict({ restrictUnsigned }, {}, job) !== undefined;
        assert(covers("images") || covers("videos"));
        const text = JSON.stringify(job.transformation.steps);
        if (text.includes('"kind":"image"')) assert(covers("images"));
        if (text.includes('"kind":"video"')) assert(covers("videos"));
        assert.equal(covers("none"), false);
      }),
    );
  });
});
