import fs from "node:fs";
import { dirname } from "node:path";
import { type Ban, codeOf, isBanned, type RenditionRecord } from "@mediatap/core";
import { z } from "zod";
import { FILE, inFolder } from "./folder.ts";

/** Bytes after which the list begins again. */
const LONGEST = 1024 * 1024;

/** A moment, to be compared with bans. */
export interface Moment {
  readonly file: string;
  readonly size: number;
  readonly missed: number;
}

const line = z.object({
  kind: z.enum(["key", "source", "prefix", "tag", "all"]),
  value: z.string(),
  tenant: z.string().optional(),
  /** Milliseconds since 1970. */
  at: z.number(),
});

/**
 * The bans of all processes that use a folder, one a line. A purge removes what it finds; an entry that is being written
 * meanwhile it cannot find, so who writes compares the list before and after. It is only ever appended to.
 */
export function createBans(path: string) {
  let missed = 0;
  let last: Moment = { file: "", size: 0, missed: 0 };

  async function now(): Promise<Moment> {
    const stats = await fs.promises.stat(path).catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    });
    last = stats
      ? { file: `${stats.ino} ${stats.birthtimeMs}`, size: stats.size, missed }
      : { file: "", size: 0, missed };
    return last;
  }

  return {
    now,
    /** The last moment that is known without asking. */
    last: () => last,
    /** Notes a ban, before anything is removed. Throws where that is not possible; then this process alone knows. */
    async add({ kind, value, tenant }: Ban): Promise<void> {
      const at = Date.now();
      try {
        if ((await now()).size > LONGEST) await fs.promises.rm(path, { force: true });
        const text = `${JSON.stringify({ kind, value, tenant, at })}\n`;
        await inFolder(dirname(path), () => fs.promises.appendFile(path, text, { mode: FILE }));
      } catch (error) {
        missed++;
        throw error;
      }
    },
    /**
     * Whether an entry may have been banned since a moment. What was noted between an earlier moment and that one counts
     * where it is younger than the entry: its writing may have waited.
     */
    async isBanned(record: RenditionRecord, earlier: Moment, since: Moment): Promise<boolean> {
      const at = await now();
      if (at.missed !== earlier.missed) return true;
      if (at.file === earlier.file && at.size === earlier.size) return false;
      // The list was begun again.
      if (since.size > 0 && at.file !== since.file) return true;
      const list = await fs.promises.readFile(path);
      const from = at.file === earlier.file ? earlier.size : 0;
      return (
        linesOf(list, since.size).some((text) => speaksOf(text, record)) ||
        linesOf(list.subarray(0, since.size), from).some((text) => speaksOf(text, record, record.stored))
      );
    },
  };
}

export type Bans = ReturnType<typeof createBans>;

function linesOf(list: Buffer, from: number): string[] {
  return list.toString("utf8", from).split("\n").filter(Boolean);
}

/** A line that cannot be read may say anything. */
function speaksOf(text: string, record: RenditionRecord, after = Number.NEGATIVE_INFINITY): boolean {
  try {
    const { at, kind, value, tenant } = line.parse(JSON.parse(text));
    const ban = { sequence: 0, kind, value, ...(tenant !== undefined && { tenant }) };
    return at > after && isBanned(record, ban);
  } catch {
    return true;
  }
}
