import assert from "node:assert/strict";
import { bodyOf, type Plan, type Plugin, type RawFrame } from "@mediatap/core";
import type { CacheEntry } from "@mediatap/core/cache";
import { imageSharp } from "@mediatap/image-sharp";
import { metrics } from "@mediatap/metrics";
import {
  jobLanguage,
  jobUrl,
  MEMORY_ENDPOINT,
  makePng,
  memoryStorage,
  newRecord,
  readPng,
  startServer,
  type TestServer,
} from "@mediatap/test";
import fc from "fast-check";
import { pino } from "pino";

declare module "@mediatap/core" {
  interface Steps {
    /** A step for this suite: half as wide, or whatever the suite wants of it. */
    "test-half": Record<never, never>;
  }
}

const NAME = "test-nonsense";

/** A language, a cache, a library, an engine and a step at once; each returns what the test sets. */
function nonsense() {
  const results: Record<string, unknown> = {};
  const tap = { name: NAME, stage: -500 };
  const any = { "~standard": { version: 1, vendor: NAME, validate: (value: unknown) => ({ value }) } };
  const plugin: Plugin = {
    name: NAME,
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks, steps, cache }) {
      for (const name of ["resolve", "fetch", "transform", "substitute"] as const) {
        hooks[name].tapPromise(tap, async () => results[name] as never);
      }
      cache({
        tier: "memory",
        settings: {},
        maxEntryBytes: 1,
        open: () => ({ get: () => results.cache as never, put: () => {}, delete: () => {} }),
      });
      hooks.inspect.for("header").tap(tap, () => results["inspect:header"] as never);
      const size = ({ width, height }: RawFrame) => ({ width: Math.ceil(width / 2), height });
      steps.define("test-half", {
        schema: any as never,
        size: (_step, { current }) => size(current as RawFrame),
      });
      hooks.step.for("test-half").tap(tap, (frame) => {
        if ("step" in results) return results.step as RawFrame;
        const { width, height } = size(frame);
        return { ...frame, width, height, data: frame.data.subarray(0, width * height * frame.channels) };
      });
    },
  };
  return { plugin, results };
}

describe("what a tap returns that its hook cannot use", () => {
  const { plugin, results } = nonsense();
  let server: TestServer;
  let requests = 0;
  let lines: {
    level: number;
    hook?: string;
    plugin?: string;
    err?: { hook?: string; plugin?: string; stack: string };
  }[];
  before(async () => {
    server = await startServer(
      {
        plugins: [jobLanguage(), plugin, memoryStorage(makePng(40, 20, () => [9, 8, 7, 255])), imageSharp()],
        ...MEMORY_ENDPOINT,
      },
      {
        log: pino({ level: "warn" }, { write: (line: string) => void lines.push(JSON.parse(line)) }) as never,
      },
    );
  });
  beforeEach(() => {
    lines = [];
    for (const name of Object.keys(results)) delete results[name];
  });
  after(() => server.close());

  const url = jobUrl("photo.png", { steps: [{ op: "resize", width: 20, fit: "inside", enlarge: false }] });

  /** The request fails, or is served past the tap; the log has the plugin's name and the reason. */
  async function assertBlamed(hook: string, reason: RegExp, path = url): Promise<void> {
    // What `resolve` returned for a URL is memoised.
    const { status, text } = await server.ask(`${path}&request=${++requests}`);
    assert.equal(status, hook === "cache" ? 200 : 500, text.slice(0, 200));
    if (status === 500) assert.equal(text, "Internal error\n");
    const line = lines.find(({ err }) => err?.plugin !== undefined);
    assert.deepEqual([line?.err?.hook, line?.err?.plugin], [hook, NAME]);
    assert.match(line?.err?.stack ?? "", reason);
  }

  for (const hook of ["resolve", "cache", "fetch", "transform"] as const) {
    it(`is the fault of its plugin: anything from ${hook}`, async () => {
      const value = fc.anything().filter((value) => value !== null && value !== undefined);
      await fc.assert(
        fc.asyncProperty(value, async (value) => {
          lines = [];
          results[hook] = value;
          await assertBlamed(hook, new RegExp(`Unexpected result of the (hook )?${hook}: Expected an? `));
        }),
        { numRuns: 40 },
      );
    });
  }

  const job = () => ({
    asset: { tenant: "", endpoint: "default", kind: "path", path: "photo.png" },
    transformation: { steps: [], output: {} },
    accept: "basic",
    query: [],
    delivery: {},
    language: NAME,
    media: "image",
  });
  const plan = (more: Partial<Plan>) => ({
    engine: NAME,
    lane: "light",
    cost: 1,
    memory: 0,
    explain: () => ({}),
    ...more,
  });
  const body = (text: string) => bodyOf(Buffer.from(text));

  for (const [what, hook, value, reason] of [
    [
      "a job without a path",
      "resolve",
      { ...job(), asset: {} },
      /Expected a string for asset\.tenant but received undefined/,
    ],
    [
      "a job without steps",
      "resolve",
      { ...job(), transformation: {} },
      /Expected an array for transformation\.steps but received undefined/,
    ],
    [
      "a plan whose cost is no number",
      "transform",
      plan({ cost: Number.NaN, run: async () => ({}) as never }),
      /Expected a number for cost but received NaN/,
    ],
    ["a plan that cannot run", "transform", plan({}), /Expected a function for run but received undefined/],
    [
      "a rendition without a body",
      "transform",
      plan({ run: async () => ({ type: "a/b", format: "b" }) as never }),
      /result of the hook run: Expected an object for body/,
    ],
    [
      "no rendition",
      "transform",
      plan({ run: async () => undefined as never }),
      /result of the hook run: Expected an object but received undefined/,
    ],
    [
      "a rendition that fails",
      "transform",
      plan({ run: () => Promise.reject(new Error("broken engine")) }),
      /broken engine/,
    ],
    [
      "a header without a size",
      "inspect:header",
      { format: "png" },
      /Expected a number for width but received undefined/,
    ],
    ["an entry without metadata", "cache", {}, /Expected an object for metadata but received undefined/],
    [
      "an entry of another key",
      "cache",
      { metadata: newRecord(), body: body("wrong") } satisfies CacheEntry,
      /metadata\.key is the key of another entry/,
    ],
  ] as const) {
    it(`is the fault of its plugin: ${what}`, async () => {
      results[hook] = value;
      await assertBlamed(hook, reason);
    });
  }

  describe("from a step", () => {
    const half = jobUrl("photo.png", { steps: [{ op: "test-half" }], output: { format: "png" } });
    const frame = (width: number, height: number, channels: number, length = width * height * channels) => ({
      data: new Uint8Array(length),
      width,
      height,
      channels,
    });

    it("is taken if it has the size that was promised", async () => {
      const { status, body } = await server.ask(half);
      assert.equal(status, 200);
      const { width, height } = readPng(body);
      assert.deepEqual([width, height], [20, 20]);
      for (const channels of [1, 2, 3, 4]) {
        results.step = frame(20, 20, channels);
        assert.equal((await server.ask(half)).status, 200, `${channels} channels`);
      }
    });

    for (const [what, value, reason] of [
      [
        "another size",
        frame(40, 20, 4),
        /Expected 20x20 pixels, as the step's size\(\) says, but received 40x20/,
      ],
      [
        "a larger size",
        frame(80, 40, 4),
        /Expected 20x20 pixels, as the step's size\(\) says, but received 80x40/,
      ],
      ["too few samples", frame(20, 20, 4, 100), /Expected 1600 samples for 20x20x4 but received 100/],
      ["too many samples", frame(20, 20, 3, 1600), /Expected 1200 samples for 20x20x3 but received 1600/],
      ["five channels", frame(20, 20, 5), /Expected 1 to 4 channels but received 5/],
      ["an array", { ...frame(20, 20, 1), data: Array(400).fill(0) }, /Expected a Uint8Array for data/],
      ["a text", "pixels", /Expected an object but received a value of type string/],
    ] as const) {
      it(`is refused if it is ${what}`, async () => {
        results.step = value;
        await assertBlamed("step:test-half", reason, half);
      });
    }
  });
});

describe("a function that a plugin registered and that fails", () => {
  const KEY = "private_key_of_the_failures";
  let server: TestServer;
  const lines: { msg: string; metric?: string; err?: { hook?: string; plugin?: string; message: string } }[] =
    [];
  before(async () => {
    const boom = () => {
      throw new Error("boom");
    };
    const plugin: Plugin = {
      name: NAME,
      version: "1.0.0",
      apiVersion: 1,
      apply({ route, manage, metric }) {
        route("GET", "/-/boom", boom);
        manage("GET", "/v1/boom", async () => boom());
        metric({ name: "boom", help: "Fails.", type: "gauge", read: boom });
        metric({ name: "text", help: "No number.", type: "gauge", read: () => [[{}, "1" as never]] });
        metric({ name: "fine", help: "Works.", type: "gauge", read: () => [[{}, 3]] });
      },
    };
    server = await startServer(
      {
        plugins: [jobLanguage(), plugin, memoryStorage(makePng(4, 2, () => [9, 8, 7, 255])), metrics()],
        ...MEMORY_ENDPOINT,
        privateKey: KEY,
      },
      {
        log: pino({ level: "warn" }, { write: (line: string) => void lines.push(JSON.parse(line)) }) as never,
      },
    );
  });
  beforeEach(() => void lines.splice(0));
  after(() => server.close());

  const help = JSON.stringify({ message: "Internal error", help: `See the README of ${NAME}.` });
  for (const [hook, path, headers, body] of [
    ["route", "/-/boom", {}, "Internal error\n"],
    ["manage", "/-/api/v1/boom", { authorization: `Basic ${btoa(`${KEY}:`)}` }, help],
  ] as const) {
    it(`is the fault of its plugin: ${hook}`, async () => {
      const { status, text } = await server.ask(path, { headers });
      assert.deepEqual([status, text], [500, body]);
      assert.deepEqual(
        lines.map(({ err }) => [err?.hook, err?.plugin]),
        [[hook, NAME]],
      );
      assert.match(lines[0]?.err?.message ?? "", /boom/);
    });
  }

  it("leaves the other metrics as they are", async () => {
    const { status, text } = await server.ask("/-/metrics");
    assert.equal(status, 200);
    assert.match(text, /^mediatap_fine 3$/m);
    assert.doesNotMatch(text, /^mediatap_(?:boom|text)\b/m);
    const failures = lines.map(({ metric, err }) => [metric, err?.hook, err?.plugin]);
    assert.deepEqual(failures.toSorted(), [
      ["boom", "metric", NAME],
      ["text", "metric", NAME],
    ]);
  });
});
