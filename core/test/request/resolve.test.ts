import assert from "node:assert/strict";
import fc from "fast-check";
import { createHooks } from "../../src/hooks.ts";
import type { Endpoint } from "../../src/model/endpoint.ts";
import type { Exchange } from "../../src/model/exchange.ts";
import type { Job } from "../../src/model/job.ts";
import { createBuiltInRegistry } from "../../src/model/steps/built-in.ts";
import type { Step, Transformation } from "../../src/model/transformation.ts";
import type { OriginEntry } from "../../src/origin/entry.ts";
import { createResolve, type ResolveParts } from "../../src/request/resolve.ts";

const newEndpoint = (more: Partial<Endpoint> = {}) =>
  ({
    tenant: "",
    name: "photos",
    origins: ["files"],
    languages: [],
    ignoreQuery: [],
    allowedFormats: [],
    fingerprint: "f",
    ...more,
  }) as Partial<Endpoint> as Endpoint;

const jobFor = (path: string, more: Partial<Job> = {}) =>
  ({
    asset: { tenant: "", endpoint: "photos", kind: "path", path },
    transformation: { steps: [], output: {} },
    accept: "webp",
    query: [],
    delivery: {},
    ...more,
  }) as Partial<Job> as Job;

interface Ask {
  readonly accept?: Exchange["accept"];
  readonly host?: string;
}

/** Resolves URLs by a language, and counts how often it is called. */
function resolver(
  language: (exchange: Exchange, endpoint: Endpoint) => Job | undefined,
  { endpoint = newEndpoint(), forwardsHost = false } = {},
) {
  const hooks = createHooks();
  let calls = 0;
  hooks.resolve.tap("language", (exchange, rules) => {
    calls++;
    return language(exchange, rules);
  });
  const resolve = createResolve({
    hooks,
    steps: createBuiltInRegistry(),
    limitsOf: () => ({ steps: 2 }),
    endpoints: new Map([["photos", endpoint]]),
    origins: new Map([["files", { storage: { forwardsHost } } as Partial<OriginEntry>]]),
  } as unknown as ResolveParts);
  const ask = async (url: string, { accept = "webp", host = "a.example" }: Ask = {}) =>
    resolve({
      accept,
      endpoint,
      target: { mount: "" },
      request: { url, host, header: (name: string) => (name === "x-width" ? "100" : undefined) },
    } as unknown as Exchange);
  return { ask, calls: () => calls };
}

const rotate = (angle: number): Step => ({ op: "rotate", angle });

describe("the resolution of a URL", () => {
  it("is done once per URL and Accept class", async () => {
    const { ask, calls } = resolver(({ request }) => jobFor(request.url));
    assert.equal(await ask("a.jpg"), await ask("a.jpg"));
    assert.equal(calls(), 1);
    await ask("b.jpg");
    await ask("a.jpg", { accept: "avif" });
    assert.equal(calls(), 3);
    await ask("a.jpg", { host: "b.example" });
    assert.equal(calls(), 3);
  });

  it("is forgotten by the memory that it takes, also where it is refused", async () => {
    const isRepeated = async (length: number) => {
      const steps = [{ op: "blur", text: "x".repeat(length) }] as unknown as Step[];
      const { ask, calls } = resolver(({ request }) =>
        jobFor(request.url, { transformation: { steps, output: {} } }),
      );
      for (let index = 0; index < 100; index++) await ask(`/${index}.png`);
      await ask("/0.png");
      return calls() > 100;
    };
    assert.equal(await isRepeated(10), false);
    assert.equal(await isRepeated(300_000), true);
  });

  it("is repeated if the language has read a header", async () => {
    const { ask, calls } = resolver(({ request }) => jobFor(`${request.header("x-width")}`));
    assert.equal((await ask("a.jpg")).key, (await ask("a.jpg")).key);
    assert.equal(calls(), 2);
  });

  it("is the first job among the languages of the endpoint, in their order", async () => {
    const asked: string[] = [];
    const endpoint = newEndpoint({ languages: ["one", "two", "three"] });
    const { ask } = resolver(
      (_, { languages }) => {
        asked.push(...languages);
        return languages[0] === "two" ? jobFor("of-two.jpg") : undefined;
      },
      { endpoint },
    );
    assert.equal((await ask("a.jpg")).job.asset.path, "of-two.jpg");
    assert.deepEqual(asked, ["one", "two"]);
  });

  it("fails with ENOENT without a job, and for an endpoint that does not exist", async () => {
    await assert.rejects(resolver(() => undefined).ask("a.jpg"), { code: "ENOENT" });
    const asset = { tenant: "", endpoint: "other", kind: "path", path: "a.jpg" } as const;
    await assert.rejects(resolver(() => jobFor("a.jpg", { asset })).ask("a.jpg"), { code: "ENOENT" });
  });
});

describe("the key of a job", () => {
  const keyFor = async (more: Partial<Job>, rules: Partial<Endpoint> = {}) =>
    (await resolver(() => jobFor("a.jpg", more), { endpoint: newEndpoint(rules) }).ask("a")).key;
  const steps = (...list: Step[]) => ({ transformation: { steps: list, output: {} } });

  it("is equal for equal canonical forms", async () => {
    assert.equal(await keyFor(steps(rotate(-90))), await keyFor(steps(rotate(270))));
    assert.notEqual(await keyFor(steps(rotate(90))), await keyFor(steps(rotate(270))));
  });

  it("has the query without the parameters that the endpoint ignores", async () => {
    const query = (...names: string[]) => ({ query: names.map((name) => [name, "1"] as const) });
    const rules = { ignoreQuery: ["utm_source"] };
    assert.equal(await keyFor(query("v", "utm_source"), rules), await keyFor(query("v"), rules));
    assert.notEqual(await keyFor(query("v", "utm_source")), await keyFor(query("v")));
  });

  it("has the Accept class only if the format is negotiated", async () => {
    const format = (format: "auto" | "png", accept: Job["accept"]) =>
      keyFor({ accept, transformation: { steps: [], output: { format } } });
    assert.equal(await format("png", "avif"), await format("png", "basic"));
    assert.notEqual(await format("auto", "avif"), await format("auto", "basic"));
  });

  it("has the host name only if an origin of the endpoint forwards it", async () => {
    for (const forwardsHost of [false, true]) {
      const { ask } = resolver(() => jobFor("a.jpg"), { forwardsHost });
      const [one, two] = [await ask("a", { host: "one.example" }), await ask("a", { host: "two.example" })];
      assert.equal(one.key !== two.key, forwardsHost);
      assert.equal(one.job.asset.host, forwardsHost ? "one.example" : undefined);
    }
  });
});

describe("a job that is wrong", () => {
  const problemOf = async (more: Partial<Job>, rules: Partial<Endpoint> = {}) =>
    (await resolver(() => jobFor("a.jpg", more), { endpoint: newEndpoint(rules) }).ask("a")).job.problem;

  it("keeps the problem of its language", async () => {
    const problem = { code: "EINVAL", message: "Expected a width" } as const;
    assert.deepEqual(await problemOf({ problem }), problem);
  });

  it("has one if its steps are too many or invalid, or its format is not allowed", async () => {
    const output = {};
    const many = Array.from({ length: 25 }, () => rotate(90));
    assert.equal((await problemOf({ transformation: { steps: many, output } }))?.code, "ELIMIT");
    const wrong = { op: "blur", sigma: -1 } as Step;
    assert.equal((await problemOf({ transformation: { steps: [wrong], output } }))?.code, "EINVAL");
    const png = { transformation: { steps: [], output: { format: "png" } } } as const;
    assert.equal((await problemOf(png, { allowedFormats: ["webp"] }))?.code, "EINVAL");
    assert.equal(await problemOf(png, { allowedFormats: ["webp", "png"] }), undefined);
  });
});

describe("a frozen Transformation", () => {
  it("has the canonical form and the key of one that is not frozen", async () => {
    const angle = fc.constantFrom(-90, 0, 90, 270, 360.5, "wrong");
    const format = fc.constantFrom(undefined, "auto", "webp", "gif", "original");
    const allowed = { allowedFormats: ["webp", "avif"] } as const;
    const frozen = new Map<string, Transformation>();
    const resolvers = [newEndpoint(), newEndpoint(allowed)].map((endpoint) => {
      let job = jobFor("");
      const { ask } = resolver(() => job, { endpoint });
      let count = 0;
      return (next: Job) => {
        job = next;
        return ask(`${count++}`);
      };
    });
    const jobs = fc.record({
      angles: fc.array(angle, { maxLength: 3 }),
      format,
      path: fc.string(),
      which: fc.nat(1),
    });
    await fc.assert(
      fc.asyncProperty(jobs, async ({ angles, format, path, which }) => {
        const transformation = {
          steps: angles.map((angle) => rotate(angle as number)),
          output: format === undefined ? {} : { format },
        } as Transformation;
        const name = JSON.stringify(transformation);
        const known = frozen.get(name) ?? Object.freeze(transformation);
        frozen.set(name, known);
        const resolve = resolvers[which] as (typeof resolvers)[number];
        const plain = { steps: transformation.steps, output: transformation.output };
        assert.deepEqual(
          await resolve(jobFor(path, { transformation: known })),
          await resolve(jobFor(path, { transformation: plain })),
        );
      }),
    );
  });
});
