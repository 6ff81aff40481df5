import assert from "node:assert/strict";
import {
  createBuiltInRegistry,
  DEFAULT_LIMITS,
  type Exchange,
  type Header,
  type LimitName,
  type Output,
  type Plugin,
  type Size,
  type Step,
} from "@mediatap/core";
import { measure } from "@mediatap/core/steps";
import fc from "fast-check";
import { makePng, readPng } from "../helpers/png.ts";
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
import { after, afterEach, before, describe, it } from "./runner.ts";

/** A colour at a place, in fractions of width and height. */
export type Spot = readonly [x: number, y: number, color: readonly [number, number, number, number]];

/** A file that the decoder reads, and what is in it. */
export interface DecodeFile {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** What its header says, for a start. */
  readonly header: Partial<Header> & Size;
  /** Of each page, the first one first. */
  readonly pages: readonly (Size & { readonly spots: readonly Spot[] })[];
}

/** A decoder to be tried. */
export interface DecodeSetup {
  readonly plugin: Plugin;
  /** The image engine that calls it. */
  readonly engine: Plugin;
  readonly files: readonly [DecodeFile, ...DecodeFile[]];
  /** Such files go out as they are unless a picture of them is asked for. @default false */
  readonly document?: boolean;
  /** The limit for their bytes; `none`: only parts of a file are read, however large it is. @default "imageBytes" */
  readonly bytes?: LimitName | "none";
  /** How far a channel may be off. @default 12 */
  readonly tolerance?: number;
}

/** A language of requests, files in memory, an engine and the decoder. */
interface Darkroom extends AsyncDisposable {
  readonly files: Map<string, Uint8Array>;
  readonly server: TestServer;
  readonly seen: Witness;
  make(path: string, steps?: readonly Step[], output?: Output, options?: AskOptions): Promise<Answer>;
  explain(): ReturnType<TestServer["server"]["runtime"]["pipeline"]["explain"]>;
  close(): Promise<void>;
}

async function darkroom(
  { plugin, engine, files: known }: DecodeSetup,
  limits: Partial<Record<LimitName, number>> = {},
): Promise<Darkroom> {
  const files = new Map(known.map(({ name, bytes }) => [name, bytes]));
  const seen = witness();
  const server = await startServer({
    plugins: [jobLanguage(), memoryStorage(files), engine, plugin, seen],
    ...MEMORY_ENDPOINT,
    limits,
  });
  return {
    files,
    server,
    seen,
    make: (path, steps = [], output = {}, options) => server.ask(jobUrl(path, { steps, output }), options),
    explain: () => server.server.runtime.pipeline.explain(seen.exchanges[0] as Exchange),
    close: () => server.close(),
    [Symbol.asyncDispose]: () => server.close(),
  };
}

const PNG: Output = { format: "png" };
const smaller: Step = { op: "resize", width: 24, fit: "inside", enlarge: false };

/**
 * What every decoder promises, as a suite for mocha or `node:test`:
 * `describeDecode("my decoder", () => ({ plugin: myDecoder(), engine: imageSharp(), files }))`.
 */
export function describeDecode(name: string, setup: () => DecodeSetup | Promise<DecodeSetup>): void {
  describe(`${name} as a decoder`, () => {
    let place: DecodeSetup;
    let file: DecodeFile;
    let room: Darkroom;
    before(async () => {
      place = await setup();
      [file] = place.files;
      room = await darkroom(place);
    });
    afterEach(() => room.files.set(file.name, file.bytes));
    after(() => room?.close());

    async function made(path: string, steps: readonly Step[], output: Output = PNG): Promise<Answer> {
      const answer = await room.make(path, steps, output);
      assert.equal(answer.status, 200, `${path}: ${answer.text.slice(0, 200)}`);
      return answer;
    }

    function assertSpots({ body }: Answer, size: Size, spots: readonly Spot[], what: string): void {
      const picture = readPng(body);
      assert.deepEqual([picture.width, picture.height], [size.width, size.height], what);
      for (const [x, y, color] of spots) {
        const found = picture.at(Math.floor(x * size.width), Math.floor(y * size.height));
        // What is clear has no colour.
        const seen = color[3] === 0 ? found.slice(3) : found;
        const far = seen.some(
          (value, at) => Math.abs(value - (color[at + 4 - seen.length] as number)) > (place.tolerance ?? 12),
        );
        assert(!far, `${what} at ${x}, ${y}: expected ${color} but found ${found}`);
      }
    }

    it("tells what files are, before any pixel is decoded", async () => {
      for (const { name: path, header, pages } of place.files) {
        await room.make(path, [], { format: "original" });
        const { metadata } = await room.explain();
        assert(typeof metadata.header === "object", path);
        for (const [field, value] of Object.entries(header)) {
          assert.deepEqual(metadata.header[field as keyof Header], value, `${path}: ${field}`);
        }
        assert.equal(metadata.header.frames, pages.length, `${path}: frames`);
        assert(metadata.header.decode, `${path}: decode`);
      }
    });

    it("gives pictures in their own size", async () => {
      for (const { name: path, pages } of place.files) {
        const [page] = pages;
        assert(page);
        assertSpots(await made(path, []), page, page.spots, path);
      }
    });

    it("gives each page, and refuses those beyond", async () => {
      for (const { name: path, pages } of place.files) {
        for (const [at, page] of pages.entries()) {
          const answer = await made(path, [{ op: "frame", page: at + 1 }]);
          assertSpots(answer, page, page.spots, `${path}, page ${at + 1}`);
        }
        const { status } = await room.make(path, [{ op: "frame", page: pages.length + 1 }], PNG);
        assert.equal(status, 400, path);
        assert.equal(room.seen.exchanges[0]?.error?.code, "EINVAL");
      }
    });

    it("gives the sizes that are foretold", async () => {
      const chains: readonly (readonly Step[])[] = [
        [smaller],
        [{ op: "resize", width: 150, height: 90, fit: "fill", enlarge: true }],
        [{ op: "resize", width: 30, height: 40, fit: "cover", enlarge: true }],
        [{ op: "resize", width: 30, height: 40, fit: "cover", enlarge: true, focus: "attention" }],
        [{ op: "extract", width: 20, height: 10, outside: "error", shrink: true }, smaller],
        [{ op: "rotate", angle: 90 }, smaller],
        [
          { op: "trim", tolerance: 10 },
          { op: "resize", width: 11, height: 13, fit: "fill", enlarge: true },
        ],
      ];
      for (const steps of chains) {
        const { body } = await made(file.name, steps);
        const sizes = measure({ steps, output: PNG }, file.header, createBuiltInRegistry(), DEFAULT_LIMITS);
        const { width, height } = readPng(body);
        assert.deepEqual({ width, height }, sizes.at(-1), JSON.stringify(steps));
      }
    });

    it("keeps the picture in place when it is scaled", async () => {
      for (const { name: path, pages } of place.files) {
        const [page] = pages;
        assert(page);
        const size = { width: page.width * 2, height: page.height * 2 };
        const answer = await made(path, [{ op: "resize", ...size, fit: "fill", enlarge: true }]);
        assertSpots(answer, size, page.spots, path);
      }
    });

    it("gives pictures for layers", async () => {
      room.files.set(
        "base.png",
        makePng(file.header.width, file.header.height, () => [1, 2, 3, 255]),
      );
      const layer = { kind: "image", path: file.name, steps: [] } as const;
      const answer = await made("base.png", [{ op: "overlay", layer, place: { gravity: "center" } }]);
      const spots = file.pages[0]?.spots.filter(([, , color]) => color[3] === 255) ?? [];
      assertSpots(answer, file.header, spots, "a layer");
    });

    it("gives the file itself where that is asked for", async () => {
      const { body } = await made(file.name, [], { format: "original" });
      assert(body.equals(file.bytes));
    });

    it("lets the client's formats decide where nothing is asked for, but for documents", async () => {
      for (const [accept, type] of [
        ["image/avif,image/webp,*/*", /^image\/(?:avif|webp)$/],
        ["image/webp,*/*", /^image\/webp$/],
        ["*/*", /^image\/(?:jpeg|png)$/],
      ] as const) {
        const plain = await room.make(file.name, [], {}, { headers: { accept } });
        if (place.document) assert(plain.body.equals(file.bytes), accept);
        else assert.match(plain.headers["content-type"] ?? "", type);
        const { headers } = await room.make(file.name, [smaller], {}, { headers: { accept } });
        assert.match(headers["content-type"] ?? "", type);
        assert.match(headers.vary ?? "", /accept/i);
      }
    });

    it("leaves other files alone", async () => {
      room.files.set(
        "other.png",
        makePng(40, 30, () => [9, 8, 7, 255]),
      );
      assertSpots(
        await made("other.png", []),
        { width: 40, height: 30 },
        [[0.5, 0.5, [9, 8, 7, 255]]],
        "other",
      );
      for (const text of ["a { color: red }", "", "\u0000\u0001\u0002\u0003"]) {
        room.files.set("other.bin", Buffer.from(text));
        assert.equal((await room.make("other.bin", [smaller])).text, text);
      }
    });

    it("makes the same bytes each time", async () => {
      await using other = await darkroom(place);
      const [once, again] = [await made(file.name, [smaller]), await other.make(file.name, [smaller], PNG)];
      assert(once.body.equals(again.body));
      assert.equal(once.headers.etag, again.headers.etag);
    });

    it("puts its price on a plan", async () => {
      await made(file.name, [smaller]);
      const { plan, metadata } = await room.explain();
      assert(typeof plan === "object" && typeof metadata.header === "object");
      assert(metadata.header.decode);
      assert(plan.cost >= metadata.header.decode.cost, "its own cost is part of the plan's");
      assert(plan.memory >= metadata.header.decode.memory, "so is its memory");
    });

    it("answers a file that is cut off, wherever, and works on", { timeout: 120_000 }, async () => {
      for (const { name: path, bytes } of place.files) {
        for (let part = 1; part < 10; part += 2) {
          room.files.set(path, bytes.subarray(0, Math.floor((bytes.length * part) / 10)));
          const { status } = await room.make(path, [smaller], PNG);
          assert(status === 200 || (status >= 400 && status < 500), `${path}, ${part} tenths: ${status}`);
        }
        room.files.set(path, bytes);
        await made(path, [smaller]);
      }
    });

    it("answers a file that is damaged, whatever the damage, and works on", {
      timeout: 120_000,
    }, async () => {
      const damage = fc.array(fc.tuple(fc.nat(file.bytes.length - 1), fc.nat(255)), {
        minLength: 1,
        maxLength: 8,
      });
      await fc.assert(
        fc.asyncProperty(damage, async (changes) => {
          const bytes = Uint8Array.from(file.bytes);
          for (const [at, value] of changes) bytes[at] = value;
          room.files.set(file.name, bytes);
          const { status, text } = await room.make(file.name, [smaller], PNG);
          assert(status === 200 || (status >= 400 && status < 500), `${status} ${text.slice(0, 100)}`);
        }),
        { numRuns: 12 },
      );
      room.files.set(file.name, file.bytes);
      await made(file.name, [smaller]);
    });

    for (const limit of ["megapixels", "bytes"] as const) {
      it(`refuses what is beyond its ${limit}, unless it reads parts only`, async () => {
        const field = limit === "bytes" ? (place.bytes ?? "imageBytes") : limit;
        if (field === "none") {
          await using open = await darkroom(place, { imageBytes: 50 });
          assert.equal((await open.make(file.name, [], PNG)).status, 200);
          return;
        }
        await using strict = await darkroom(place, { [field]: limit === "bytes" ? 50 : 0.0001 });
        const { status } = await strict.make(file.name, [], PNG);
        assert.equal(strict.seen.exchanges[0]?.error?.code, "ELIMIT");
        assert.equal(status, 400);
        assert.equal((await strict.make(file.name, [], { format: "original" })).status, 200);
      });
    }

    it("stops when nobody waits, and gives its place back", async () => {
      const { scheduler } = room.server.server.runtime;
      const gone = Array.from({ length: 8 }, async (_, at) => {
        const controller = new AbortController();
        const steps: Step[] = [{ op: "resize", width: 100 + at, fit: "inside", enlarge: true }];
        const asked = room.make(file.name, steps, PNG, { signal: controller.signal });
        setTimeout(() => controller.abort(), at * 8);
        await asked.catch(() => {});
      });
      await Promise.all(gone);
      await until(() => scheduler.load().running === 0, "all places are given back");
      const { waiting, waitingCost } = scheduler.load();
      assert.deepEqual([waiting, waitingCost], [0, 0]);
      await made(file.name, [smaller]);
    });
  });
}
