import { appendFile, readdir, readFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { type Endpoint, MediaError } from "@mediatap/core";
import { ensureFolder } from "@mediatap/core/storage";
import type { Checked, Pictures } from "./check.ts";
import { createGallery, type PicturePair } from "./report.ts";

// A folder that all processes of the server write to: a file for each day, a line of JSON for each comparison.

/** Bytes of a day's file, after which comparisons of that day are dropped. */
const MAX_DAY_BYTES = 16 * 1024 * 1024;

/** Files that are kept. */
const MAX_DAYS = 14;

const FILE = /^\d{4}-\d{2}-\d{2}\.jsonl$/;

/** A comparison as a line. */
interface Entry {
  /** ISO 8601. */
  readonly at: string;
  /** `tenant/name`, or `name` in the server's own account. */
  readonly endpoint: string;
  readonly from: string;
  readonly result: Checked;
  readonly pictures?: PicturePair;
}

export type ShadowLog = ReturnType<typeof createShadowLog>;

export function createShadowLog(folder: string, now: () => Date = () => new Date()) {
  const gallery = createGallery();
  let day = "";

  async function add(
    { tenant, name, fields }: Endpoint,
    result: Checked,
    pictures?: Pictures,
  ): Promise<void> {
    if (pictures) await gallery.add(result, pictures);
    const pair = gallery.take(result.url);
    const at = now().toISOString();
    const entry: Entry = {
      at,
      endpoint: tenant === "" ? name : `${tenant}/${name}`,
      from: fields.migrate?.from ?? "",
      result,
      ...(pair && { pictures: pair }),
    };
    const file = join(folder, `${at.slice(0, 10)}.jsonl`);
    if (day !== at.slice(0, 10)) {
      day = at.slice(0, 10);
      await ensureFolder(folder);
      await dropOld();
    }
    if ((await sizeOf(file)) < MAX_DAY_BYTES) await appendFile(file, `${JSON.stringify(entry)}\n`);
  }

  async function dropOld(): Promise<void> {
    const days = (await readdir(folder)).filter((name) => FILE.test(name)).sort();
    for (const old of days.slice(0, -MAX_DAYS)) await rm(join(folder, old), { force: true });
  }

  return { add };
}

const sizeOf = (file: string): Promise<number> =>
  stat(file).then(
    ({ size }) => size,
    () => 0,
  );

/** What a folder contains: the newest comparison of each URL. Throws `ECONFIG` if there is none. */
export async function readShadow(folder: string, endpoint: string | undefined) {
  const names = await readdir(folder).catch((cause: NodeJS.ErrnoException) => {
    throw new MediaError("ECONFIG", `${folder}: cannot be read (${cause.code})`, { cause });
  });
  const newest = new Map<string, Entry>();
  let [first, count] = ["", 0];
  for (const name of names.filter((name) => FILE.test(name)).sort()) {
    for (const line of (await readFile(join(folder, name), "utf8")).split("\n")) {
      const entry = entryOf(line);
      if (!entry || (endpoint !== undefined && entry.endpoint !== endpoint)) continue;
      if (first === "") first = entry.at;
      count++;
      newest.set(`${entry.from} ${entry.result.url}`, entry);
    }
  }
  const entries = [...newest.values()];
  const [last] = entries.slice(-1);
  if (!last)
    throw new MediaError(
      "ECONFIG",
      `${folder}: no comparison${endpoint === undefined ? "" : ` of the endpoint ${endpoint}`}`,
    );
  return { entries, count, first, from: last.from };
}

/** A line that was cut off, by a full disk for instance, is none. */
function entryOf(line: string): Entry | undefined {
  try {
    return line === "" ? undefined : (JSON.parse(line) as Entry);
  } catch {
    return undefined;
  }
}
