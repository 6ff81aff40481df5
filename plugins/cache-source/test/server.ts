import assert from "node:assert/strict";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { MediatapConfig, Plugin } from "@mediatap/core";
import { decodeMetadata, encodeMetadata } from "@mediatap/core/cache";
import type { Storage } from "@mediatap/core/storage";
import { imageSharp } from "@mediatap/image-sharp";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import {
  makeFolder,
  makePng,
  type StartOptions,
  startOrigin,
  startServer,
  type TestFolder,
  type TestServer,
  until,
  type WebOrigin,
} from "@mediatap/test";
import { timing } from "@mediatap/timing";
import { urlImagekit } from "@mediatap/url-imagekit";
import sharp from "sharp";
import { type CacheSourceOptions, cacheSource } from "../src/index.ts";

export const DAY = 24 * 60 * 60 * 1000;

/** A picture of one colour; and one of noise, about as many bytes as asked for. */
export const plain = (red: number): Buffer => makePng(60, 40, () => [red, 30, 30, 255]);
export function noise(bytes: number, seed = 1): Buffer {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return state >>> 24;
  };
  return makePng(100, Math.ceil(bytes / 300), () => [next(), next(), next(), 255]);
}

/** Red of the middle of a picture, and its width. */
export async function seen(bytes: Uint8Array): Promise<{ width: number; red: number }> {
  const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
  const middle = (Math.floor(info.height / 2) * info.width + Math.floor(info.width / 2)) * info.channels;
  return { width: info.width, red: data[middle] as number };
}

export interface Setting extends StartOptions {
  readonly options?: Partial<CacheSourceOptions>;
  /** Fields of the configuration, and origins beside `site` and `copies`. */
  readonly config?: MediatapConfig;
  readonly plugins?: readonly Plugin[];
}

/** A server of one web origin, `site`, that keeps copies in a folder. */
export function startWith(site: { url: string }, copies: { path: string }, setting: Setting = {}) {
  const { options = {}, config = {}, plugins = [], ...start } = setting;
  const { origins, ...more } = config;
  return startServer(
    {
      plugins: [
        urlImagekit(),
        storageFs(),
        storageWeb({ retries: 0 }),
        imageSharp(),
        timing(),
        cacheSource({ storage: "copies", ...options }),
        ...plugins,
      ],
      origins: {
        site: { type: "WEB_FOLDER", baseUrl: site.url },
        copies: { type: "FOLDER", path: copies.path },
        ...origins,
      },
      endpoints: { default: { origins: ["site"] } },
      ...more,
    },
    start,
  );
}

/** A web origin, a folder for copies of its files, and servers of both. */
export interface Place {
  readonly origin: WebOrigin;
  readonly copies: Copies;
  start(setting?: Setting): Promise<TestServer>;
  close(): Promise<void>;
}

export async function openPlace(files: Parameters<typeof startOrigin>[0]): Promise<Place> {
  const [origin, copies] = [await startOrigin(files), await makeCopies()];
  const servers: TestServer[] = [];
  return {
    origin,
    copies,
    async start(setting = {}) {
      const server = await startWith(origin, copies, setting);
      servers.push(server);
      return server;
    },
    async close() {
      for (const server of servers) await server.close();
      await origin.close();
      await copies.close();
    },
  };
}

/** A folder of copies, and what it holds. */
export interface Copies extends TestFolder {
  /** Paths of the records, sorted. */
  records(): Promise<string[]>;
  /** Paths of the files with bytes, sorted. */
  bytes(): Promise<string[]>;
  /** Paths of everything else, such as files under way. */
  others(): Promise<string[]>;
  /** Waits until there are so many copies, and nothing is under way. */
  saved(count: number): Promise<void>;
  read(path: string): Promise<Buffer>;
  /** When the copy of a record was revalidated and used last, in milliseconds since 1970. */
  timesOf(path: string): Promise<Times>;
  /** Changes these times in each record. */
  edit(change: (times: Times) => Partial<Times>): Promise<void>;
  /** Makes all copies as much older. */
  age(milliseconds: number): Promise<void>;
}

export interface Times {
  readonly checked: number;
  readonly used: number;
}

export async function makeCopies(): Promise<Copies> {
  const folder = await makeFolder();
  const list = async (isWanted: (path: string) => boolean) => {
    const entries = await readdir(folder.path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(folder.path.length + 1))
      .filter(isWanted)
      .sort();
  };
  const recordIn = async (path: string) => {
    const file = decodeMetadata((await copies.read(path)).toString());
    assert(file, "it is a record");
    return file;
  };
  const isBytes = (path: string) => /\.[0-9a-f]{32}$/.test(path);
  const isRecord = (path: string) => path.endsWith(".json");
  const copies: Copies = {
    ...folder,
    records: () => list(isRecord),
    bytes: () => list(isBytes),
    others: () => list((path) => !isBytes(path) && !isRecord(path)),
    async saved(count) {
      const isSaved = async () =>
        (await copies.records()).length === count && (await copies.others()).length === 0;
      await until(isSaved, `${count} copies`);
    },
    read: (path) => readFile(join(folder.path, path)),
    async timesOf(path) {
      const { metadata, used } = await recordIn(path);
      return { checked: metadata.stored, used: used ?? 0 };
    },
    async edit(change) {
      for (const path of await copies.records()) {
        const file = await recordIn(path);
        const { checked = file.metadata.stored, used = file.used } = change(await copies.timesOf(path));
        const metadata = { ...file.metadata, stored: checked };
        await writeFile(join(folder.path, path), encodeMetadata({ ...file, metadata, used }));
      }
    },
    age: (milliseconds) =>
      copies.edit(({ checked, used }) => ({
        checked: checked - milliseconds,
        used: used - milliseconds,
      })),
  };
  return copies;
}

/** A storage of type `STRANGE`: everything is missing, and nothing is kept, but for what the test says. */
export function strange(own: Partial<Storage>): Plugin {
  return {
    name: "strange",
    version: "1",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.storage.for("STRANGE").tap("strange", () => ({
        open: async () => undefined,
        write: async () => {},
        remove: async () => {},
        async *list() {},
        ...own,
      }));
    },
  };
}
