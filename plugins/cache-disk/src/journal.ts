import fs from "node:fs";
import { codeOf } from "@mediatap/core";
import { addRule, decodeRule, encodeRule, type JournalRule, type PurgeJournal } from "@mediatap/core/cache";
import { FILE_MODE, inFolder } from "./folder.ts";
import { type CachePaths, isJournal } from "./names.ts";

/** Bytes after which rules go into the next file. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * The purge rules of all processes that use a folder, one per line. Files are only appended to; a full one is followed by
 * another, and is removed once its rules have been carried out on all entries (`sweeper-thread.ts`). The folder's own time changes
 * with each rule, so one `stat` shows whether there are new ones.
 */
export function createDiskJournal({ purges }: Pick<CachePaths, "purges">) {
  const filesIn = async () =>
    (await unlessMissing(fs.promises.readdir(purges)))?.filter(isJournal).sort() ?? [];

  /** Synchronous: in the thread pool it costs five times more. If the disk hangs, the read of the entry has waited before. */
  function version(): string {
    const stat = fs.statSync(purges, { bigint: true, throwIfNoEntry: false });
    return stat ? String(stat.mtimeNs) : "";
  }

  const journal: PurgeJournal = {
    async read() {
      // Before the files are read: what is added meanwhile is read again.
      const before = version();
      const contents = await Promise.all(
        (await filesIn()).map((file) => unlessMissing(fs.promises.readFile(`${purges}/${file}`, "utf8"))),
      );
      return { rules: parseRules(contents.map((text) => text ?? "").join("")), version: before };
    },
    async add(rule, replaces) {
      const last = (await filesIn()).at(-1);
      const size = last && (await unlessMissing(fs.promises.stat(`${purges}/${last}`)))?.size;
      const number = Number.parseInt(last ?? "1", 10) + ((size || 0) > MAX_FILE_BYTES ? 1 : 0);
      const path = `${purges}/${String(number).padStart(8, "0")}.log`;
      const text = `${encodeRule(rule, replaces)}\n`;
      await inFolder(purges, () => fs.promises.appendFile(path, text, { mode: FILE_MODE }));
      // The kernel's clock ticks in milliseconds, in which there may be several rules.
      const now = (Date.now() + Math.random()) / 1000;
      await fs.promises.utimes(purges, now, now);
    },
  };

  return { ...journal, version };
}

/** The rules in files. A line that cannot be read may have matched anything. */
export function parseRules(text: string): JournalRule[] {
  const lines = text.split("\n");
  // Without a line break at its end it is still being written.
  lines.pop();
  const rules = new Map<string, JournalRule>();
  for (const [at, line] of lines.entries()) {
    const unreadable = {
      id: `0000000000${at.toString(16).padStart(12, "0")}`,
      kind: "all",
      value: "",
    } as const;
    addRule(rules, decodeRule(line) ?? unreadable);
  }
  return [...rules.values()];
}

async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}
