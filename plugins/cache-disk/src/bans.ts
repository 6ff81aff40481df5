import fs from "node:fs";
import { type Ban, codeOf, isBanned, type RenditionRecord } from "@mediatap/core";

/** Bytes after which the list begins anew. */
const LONGEST = 1024 * 1024;

/** A moment, to be compared with bans. */
export interface Moment {
  readonly file: string;
  readonly size: number;
  readonly missed: number;
}

/**
 * The bans of all processes that use a folder, one a line. A purge removes what it finds; an entry that is being written
 * meanwhile it cannot find, so who writes compares the list before and after. It is only ever appended to.
 */
export function createBans(path: string) {
  let missed = 0;

  async function now(): Promise<Moment> {
    const stats = await fs.promises.stat(path).catch((error: unknown) => {
      if (codeOf(error) === "ENOENT") return undefined;
      throw error;
    });
    return stats
      ? { file: `${stats.ino} ${stats.birthtimeMs}`, size: stats.size, missed }
      : { file: "", size: 0, missed };
  }

  return {
    now,
    /** Notes a ban, before anything is removed. Throws where that is not possible; then this process alone knows. */
    async add({ kind, value }: Ban): Promise<void> {
      const line = `${JSON.stringify({ kind, value })}\n`;
      try {
        if ((await now()).size > LONGEST) await fs.promises.rm(path, { force: true });
        await fs.promises.appendFile(path, line, { mode: 0o600 });
      } catch (error) {
        missed++;
        throw error;
      }
    },
    /** Whether an entry may have been banned since a moment. */
    async isBanned(record: RenditionRecord, since: Moment): Promise<boolean> {
      const at = await now();
      if (at.missed !== since.missed) return true;
      if (at.file === since.file && at.size === since.size) return false;
      // The list was begun anew, or by the first ban.
      if (at.size < since.size || (since.file !== "" && at.file !== since.file)) return true;
      const list = await fs.promises.readFile(path);
      const lines = list.toString("utf8", since.size).split("\n").filter(Boolean);
      return lines.some((line) => speaksOf(line, record));
    },
  };
}

export type Bans = ReturnType<typeof createBans>;

/** A line that cannot be read may say anything. */
function speaksOf(line: string, record: RenditionRecord): boolean {
  try {
    return isBanned(record, { sequence: 0, ...(JSON.parse(line) as Pick<Ban, "kind" | "value">) });
  } catch {
    return true;
  }
}
