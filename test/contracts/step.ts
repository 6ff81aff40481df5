import assert from "node:assert/strict";
import {
  createBuiltInRegistry,
  DEFAULT_LIMITS,
  type Plugin,
  type RawFrame,
  type Size,
  type Step,
} from "@mediatap/core";
import { measure, type StepDefinition, type StepRegistry } from "@mediatap/core/steps";
import fc from "fast-check";
import { makePng, readPng } from "../helpers/png.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import {
  jobLanguage,
  jobUrl,
  MEMORY_ENDPOINT,
  memoryStorage,
  type Witness,
  witness,
} from "../helpers/stand-ins.ts";
import { after, before, describe, it } from "./runner.ts";

/** A plugin that adds operations, and an image engine that runs them. */
export interface StepSetup {
  readonly plugin: Plugin;
  /** Hands steps that it does not know to the `step` hook and writes PNG and JPEG: `imageSharp()`. */
  readonly engine: Plugin;
  /** Steps to be tried, in canonical form. Each changes a colourful picture of 64x48 pixels, each in another way. */
  readonly steps: readonly Step[];
  /** Groups of steps that ask for the same: they share one cache entry. */
  readonly equal?: readonly (readonly Step[])[];
  /** Steps that change nothing: a URL with one shares the cache entry of the URL without it. */
  readonly nothing?: readonly Step[];
  /** Values that the schema refuses. */
  readonly wrong: readonly ({ readonly op: string } & Readonly<Record<string, unknown>>)[];
}

const SIZE: Size = { width: 64, height: 48 };
const colourful = (alpha: (x: number, y: number) => number) =>
  makePng(SIZE.width, SIZE.height, (x, y) => [x * 4, y * 5, (x * 7 + y * 13) % 256, alpha(x, y)]);

/** The pixels of a PNG, to be compared. */
function pixelsOf(png: Buffer): string {
  const { width, height, at } = readPng(png);
  const pixels = Array.from({ length: width * height }, (_, n) =>
    at(n % width, Math.floor(n / width)).join(),
  );
  return `${width}x${height} ${pixels.join(" ")}`;
}

/** A server with the plugin, and what it has registered. */
interface Bench {
  readonly files: Map<string, Uint8Array>;
  readonly server: TestServer;
  readonly seen: Witness;
  readonly registry: StepRegistry;
}

async function bench(plugins: readonly Plugin[]): Promise<Bench> {
  const seen = witness();
  const files = new Map<string, Uint8Array>([
    ["solid.png", colourful(() => 255)],
    ["clear.png", colourful((x) => (x < 20 ? 60 : 255))],
  ]);
  let registry = createBuiltInRegistry();
  const listener: Plugin = {
    name: "test-registry",
    version: "1.0.0",
    apiVersion: 1,
    apply({ steps }) {
      registry = steps;
    },
  };
  const server = await startServer({
    plugins: [jobLanguage(), memoryStorage(files), ...plugins, listener, seen],
    ...MEMORY_ENDPOINT,
  });
  return { files, server, seen, registry };
}

/**
 * What every operation of a plugin promises, as a suite for mocha or `node:test`:
 * `describeStep("duotone", () => ({ plugin: duotone(), engine: imageSharp(), steps: [{ op: "duotone", … }] }))`.
 */
export function describeStep(name: string, setup: () => StepSetup | Promise<StepSetup>): void {
  describe(`${name} as a step`, () => {
    let place: StepSetup;
    let room: Bench;
    before(async () => {
      place = await setup();
      assert(place.steps.length > 0, "Expected at least one step to try");
      room = await bench([place.engine, place.plugin]);
      // A format without alpha: only then a picture counts as opaque.
      room.files.set("opaque.jpg", (await made("solid.png", [], "jpeg")).body);
    });
    after(() => room?.server.close());

    const all = () => [...place.steps, ...(place.equal ?? []).flat(), ...(place.nothing ?? [])];
    const shown = (step: unknown) => JSON.stringify(step);

    function definitionOf(step: Pick<Step, "op">): StepDefinition<Step> {
      const definition = room.registry.get(step.op);
      assert(definition, `the plugin defines ${step.op}`);
      return definition;
    }

    /** The step as its schema returns it; `undefined`: it is refused. */
    function checked(step: { readonly op: string }): Step | undefined {
      const result = definitionOf(step as Step).schema["~standard"].validate(step);
      assert(!(result instanceof Promise), "the schema answers at once");
      return result.issues ? undefined : result.value;
    }

    function canonical(step: Step): Step | undefined {
      const value = checked(step);
      assert(value, `${shown(step)} is accepted`);
      const { canonical } = definitionOf(step);
      return canonical ? canonical(value) : value;
    }

    function sizeOf(step: Step, current: Size): Size {
      return definitionOf(step).size?.(step, { original: current, current }) ?? current;
    }

    async function ask(path: string, steps: readonly Step[], format = "png", accept = "*/*") {
      const url = jobUrl(path, { steps, output: { format: format as "png" } });
      const answer = await room.server.ask(url, { headers: { accept } });
      return { ...answer, key: room.seen.exchanges[0]?.key, error: room.seen.exchanges[0]?.error };
    }

    async function made(path: string, steps: readonly Step[], format?: string) {
      const answer = await ask(path, steps, format);
      assert.equal(answer.status, 200, `${shown(steps)}: ${answer.text.slice(0, 200)}`);
      return answer;
    }

    /** Carries a step out, without an engine. */
    function carriedOut(step: Step, frame: RawFrame): Promise<RawFrame | undefined> {
      const { hooks } = room.server.server.runtime;
      const copy = { ...frame, data: Uint8Array.from(frame.data) };
      return hooks.step.for(step.op).promise(copy, step, sizeOf(step, frame));
    }

    it("is plain data that its schema accepts as it is", () => {
      for (const step of all()) {
        assert.deepEqual(JSON.parse(shown(step)), step, "JSON keeps it");
        assert(checked(step), `${shown(step)} is accepted`);
      }
    });

    it("is refused with a 4xx if it is wrong", async () => {
      for (const step of place.wrong) {
        assert.equal(checked(step), undefined, `${shown(step)} is refused`);
        const { status, error } = await ask("opaque.jpg", [step as unknown as Step]);
        assert.equal(status, 400, shown(step));
        assert.equal(error?.code, "EINVAL", shown(step));
      }
    });

    it("has a canonical form that stays as it is", () => {
      for (const step of place.steps) assert.deepEqual(canonical(step), step);
      for (const step of all()) {
        const once = canonical(step);
        if (once) assert.deepEqual(canonical(once), once, shown(step));
      }
    });

    it("shares a cache entry with steps that ask for the same, and with no others", async () => {
      const bare = (await made("opaque.jpg", [])).key;
      for (const group of place.equal ?? []) {
        const keys = new Set<string | undefined>();
        for (const step of group) keys.add((await made("opaque.jpg", [step])).key);
        assert.equal(keys.size, 1, group.map(shown).join(" = "));
      }
      const keys = new Map([[bare, "no step"]]);
      for (const step of place.steps) {
        const { key } = await made("opaque.jpg", [step]);
        assert.equal(keys.get(key), undefined, `${shown(step)} is not ${keys.get(key)}`);
        keys.set(key, shown(step));
      }
      for (const step of place.nothing ?? []) {
        assert.equal((await made("opaque.jpg", [step])).key, bare, `${shown(step)} changes nothing`);
      }
    });

    it("promises a size and a cost for every picture", { timeout: 60_000 }, () => {
      const side = fc.integer({ min: 1, max: 10_000 });
      const extremes = [
        [1, 1],
        [2, 2],
        [1, 10_000],
        [10_000, 1],
      ] as const;
      const examples = place.steps.flatMap((step) =>
        extremes.map(([width, height]): [Step, number, number] => [step, width, height]),
      );
      fc.assert(
        fc.property(fc.constantFrom(...place.steps), side, side, (step, width, height) => {
          const current = { width, height };
          const size = sizeOf(step, current);
          assert(Number.isInteger(size.width) && size.width > 0, `width ${size.width}`);
          assert(Number.isInteger(size.height) && size.height > 0, `height ${size.height}`);
          assert.deepEqual(sizeOf(step, current), size, "each time the same");
          const cost = definitionOf(step).cost?.(step, current, size) ?? 0;
          assert(Number.isFinite(cost) && cost >= 0, `cost ${cost}`);
        }),
        { examples },
      );
    });

    it("returns frames of the size that it promised, of every size and number of channels", async () => {
      for (const step of place.steps) {
        for (const [width, height] of [
          [1, 1],
          [7, 5],
          [1, 40],
          [64, 48],
        ] as const) {
          for (const channels of [1, 2, 3, 4]) {
            const data = Uint8Array.from({ length: width * height * channels }, (_, at) => (at * 31) % 256);
            const what = `${shown(step)} of ${width}x${height}x${channels}`;
            // The server checks size, samples and channels.
            const frame = await carriedOut(step, { data, width, height, channels });
            assert(frame, `${what}: the plugin carries it out`);
            const first = { ...frame, data: Uint8Array.from(frame.data) };
            const inverse = data.map((value) => 255 - value);
            await carriedOut(step, { data: inverse, width, height, channels });
            assert.deepEqual(frame, first, `${what}: other pictures leave it as it is`);
            const again = await carriedOut(step, { data, width, height, channels });
            assert.deepEqual(again, first, `${what}: each time the same`);
          }
        }
      }
    });

    it("keeps opaque pictures opaque if it says so", async () => {
      for (const step of place.steps) {
        const { opaque } = definitionOf(step);
        const stays = typeof opaque === "function" ? opaque(step) : opaque === true;
        const { headers } = await made("opaque.jpg", [step], "auto");
        assert.equal(headers["content-type"], stays ? "image/jpeg" : "image/png", shown(step));
        if (!stays) continue;
        const data = Uint8Array.from({ length: 12 * 9 * 4 }, (_, at) =>
          at % 4 === 3 ? 255 : (at * 31) % 256,
        );
        const frame = await carriedOut(step, { data, width: 12, height: 9, channels: 4 });
        assert(frame);
        const { channels } = frame;
        if (channels % 2 === 1) continue;
        const clear = frame.data.filter((value, at) => at % channels === channels - 1 && value < 255);
        assert.equal(clear.length, 0, `${shown(step)}: ${clear.length} pixels are not opaque`);
      }
    });

    it("changes pictures, and has the size that is foretold, before and after other steps", async () => {
      const resize: Step = { op: "resize", width: 30, height: 20, fit: "fill", enlarge: true };
      for (const path of ["opaque.jpg", "clear.png"]) {
        const bare = pixelsOf((await made(path, [])).body);
        for (const step of place.steps) {
          assert(pixelsOf((await made(path, [step])).body) !== bare, `${shown(step)} changes ${path}`);
          for (const steps of [[step], [resize, step], [step, resize]]) {
            const { width, height } = readPng((await made(path, steps)).body);
            const sizes = measure({ steps, output: {} }, SIZE, room.registry, DEFAULT_LIMITS);
            assert.deepEqual({ width, height }, sizes.at(-1), shown(steps));
          }
        }
      }
    });

    it("makes the same bytes for many at once", async () => {
      const [step] = place.steps as [Step];
      const urls = Array.from({ length: 12 }, (_, at) =>
        jobUrl("clear.png", { steps: [step], output: { format: "png", density: 72 + at } }),
      );
      const pictures = await Promise.all(
        urls.map(async (url) => pixelsOf((await room.server.ask(url)).body)),
      );
      assert.equal(new Set(pictures).size, 1);
    });

    it("has its name and version in the fingerprint, so that a new version makes new pictures", async () => {
      const without = await bench([place.engine]);
      try {
        const url = jobUrl("solid.png", { output: { format: "png" } });
        const [own, other] = [await room.server.ask(url), await without.server.ask(url)];
        assert.deepEqual([own.status, other.status], [200, 200]);
        assert.notEqual(own.headers.etag, other.headers.etag, "call api.fingerprint in apply");
      } finally {
        await without.server.close();
      }
    });
  });
}
