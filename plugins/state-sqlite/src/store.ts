import { closeSync, existsSync, mkdirSync, openSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { isMediaError, MediaError, type PluginApi } from "@mediatap/core";
import { exportRevision, type Revision, type RevisionInfo, type StateStore } from "@mediatap/core/state";

/** Layout of the tables: `PRAGMA user_version` of the file. */
const LAYOUT_VERSION = 1;

const TABLES = `
  CREATE TABLE IF NOT EXISTS revisions (
    number INTEGER PRIMARY KEY, time INTEGER NOT NULL, author TEXT NOT NULL, comment TEXT NOT NULL, content TEXT NOT NULL
  ) STRICT;
  CREATE TABLE IF NOT EXISTS records (
    collection TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (collection, key)
  ) STRICT, WITHOUT ROWID;
  PRAGMA user_version = ${LAYOUT_VERSION};
`;

/** Result codes (https://sqlite.org/rescode.html). */
const SQLITE_BUSY = 5;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_NOTADB = 26;

/** Revisions that are stored. */
const MAX_REVISIONS = 1000;

/** Milliseconds between two polls for revisions of other processes: one read of a page that is in memory. */
const WATCH_INTERVAL_MS = 500;

/** Milliseconds for which another process's write is waited for; at the start and, without blocking this process, later. */
const BUSY_TIMEOUT_MS = 10_000;
const BUSY_PAUSE_MS = 10;

/** Opens the file, which is created if it is missing. Throws `ECONFIG` if it cannot be used. */
export function openSqlite(path: string, logger: PluginApi["logger"]): StateStore {
  const database = openFile(path);
  const listeners = new Set<() => void>();
  let timer: NodeJS.Timeout | undefined;
  let version = dataVersion();
  let newest = newestNumber();

  /** Grows with each commit of another connection. */
  function dataVersion(): unknown {
    return database.prepare("PRAGMA data_version").get()?.data_version;
  }

  function newestNumber(): number {
    return Number(database.prepare("SELECT max(number) AS number FROM revisions").get()?.number ?? 0);
  }

  function poll(): void {
    try {
      const now = dataVersion();
      if (now === version) return;
      version = now;
      announce(newestNumber());
    } catch (err) {
      logger.warn({ err }, "looking for other revisions failed");
    }
  }

  function announce(number: number): void {
    if (number === newest) return;
    newest = number;
    for (const listener of listeners) listener();
  }

  /** Runs a statement; resolves with the number of rows that it changed. */
  async function run(sql: string, ...values: SQLInputValue[]): Promise<number> {
    const deadline = performance.now() + BUSY_TIMEOUT_MS;
    for (;;) {
      try {
        return Number(database.prepare(sql).run(...values).changes);
      } catch (error) {
        if (resultOf(error) === SQLITE_FULL) {
          throw Object.assign(new Error("the disk is full", { cause: error }), { code: "ENOSPC" });
        }
        if (resultOf(error) !== SQLITE_BUSY || performance.now() > deadline) throw error;
        await pause(BUSY_PAUSE_MS);
      }
    }
  }

  /** Exports a revision to a file beside the database, for `mediatap state restore`. */
  async function copy(revision: Revision): Promise<void> {
    try {
      const temporary = `${copyOf(path)}.${process.pid}`;
      await writeFile(temporary, exportRevision(revision), { mode: 0o600, flush: true });
      await rename(temporary, copyOf(path));
    } catch (err) {
      logger.warn({ err }, "the copy of the newest revision was not written");
    }
  }

  return {
    async read(number) {
      const row =
        number === undefined
          ? database.prepare("SELECT * FROM revisions ORDER BY number DESC LIMIT 1").get()
          : database.prepare("SELECT * FROM revisions WHERE number = ?").get(number);
      return row && ({ ...row } as unknown as Revision);
    },
    async write({ time, author, comment, content }, expected) {
      const number = expected + 1;
      const written = await run(
        `INSERT INTO revisions (number, time, author, comment, content)
         SELECT ?, ?, ?, ?, ? WHERE (SELECT coalesce(max(number), 0) FROM revisions) = ?`,
        ...[number, time, author, comment, content, expected],
      );
      if (written === 0) return undefined;
      await run("DELETE FROM revisions WHERE number <= ?", number - MAX_REVISIONS).catch((err: unknown) =>
        logger.warn({ err }, "deleting old revisions failed"),
      );
      const revision = { number, time, author, comment, content };
      await copy(revision);
      announce(number);
      return revision;
    },
    async list({ before = Number.MAX_SAFE_INTEGER, limit }) {
      const rows = database
        .prepare(
          "SELECT number, time, author, comment FROM revisions WHERE number < ? ORDER BY number DESC LIMIT ?",
        )
        .all(before, limit);
      return rows.map((row) => ({ ...row }) as unknown as RevisionInfo);
    },
    watch(onChange) {
      listeners.add(onChange);
      timer ??= setInterval(poll, WATCH_INTERVAL_MS).unref();
      return () => {
        listeners.delete(onChange);
        if (listeners.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
    records: (name) => ({
      async get(key) {
        const row = database
          .prepare("SELECT value FROM records WHERE collection = ? AND key = ?")
          .get(name, key);
        return row?.value as string | undefined;
      },
      async put(key, value) {
        await run(
          "INSERT OR REPLACE INTO records (collection, key, value) VALUES (?, ?, ?)",
          name,
          key,
          value,
        );
      },
      async add(key, value) {
        const sql = "INSERT OR IGNORE INTO records (collection, key, value) VALUES (?, ?, ?)";
        return (await run(sql, name, key, value)) === 1;
      },
      async delete(key) {
        await run("DELETE FROM records WHERE collection = ? AND key = ?", name, key);
      },
      async list(from = "", to) {
        const rows = database
          .prepare(
            `SELECT key, value FROM records WHERE collection = ?1 AND key >= ?2 AND (?3 IS NULL OR key < ?3) ORDER BY key`,
          )
          .all(name, from, to ?? null);
        return rows.map(({ key, value }) => [key as string, value as string] as const);
      },
      async deleteBefore(key) {
        await run("DELETE FROM records WHERE collection = ? AND key < ?", name, key);
      },
    }),
    async close() {
      clearInterval(timer);
      listeners.clear();
      database.close();
    },
  };
}

function openFile(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    mkdirSync(dirname(path), { recursive: true });
    // What SQLite makes beside the file gets the same permissions.
    closeSync(openSync(path, "a", 0o600));
    database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
    const layout = Number(database.prepare("PRAGMA user_version").get()?.user_version);
    if (layout > LAYOUT_VERSION) {
      throw new MediaError("ECONFIG", `state-sqlite: ${path} was written by a newer version: install it`);
    }
    // A commit survives the end of the process, and a power failure.
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;");
    if (layout < LAYOUT_VERSION) database.exec(`BEGIN IMMEDIATE; ${TABLES} COMMIT;`);
    const { quick_check: checkResult } = database.prepare("PRAGMA quick_check(1)").get() ?? {};
    if (checkResult !== "ok") throw damaged(path, String(checkResult));
    database.exec("PRAGMA busy_timeout = 0");
    return database;
  } catch (error) {
    database?.close();
    if (isMediaError(error)) throw error;
    const { message } = error as Error;
    const result = resultOf(error);
    if (result === SQLITE_CORRUPT || result === SQLITE_NOTADB) throw damaged(path, message, error);
    throw new MediaError("ECONFIG", `state-sqlite: ${path} cannot be opened: ${message}`, { cause: error });
  }
}

/** The file with the newest revision. */
export function copyOf(path: string): string {
  return `${path}.json`;
}

/** Moves the files of a database; resolves with the new path. */
export async function setAside(path: string): Promise<string> {
  const moved = `${path}.damaged-${new Date().toISOString().replaceAll(":", "")}`;
  await rename(path, moved);
  for (const end of ["-wal", "-shm"]) {
    if (existsSync(`${path}${end}`)) await rename(`${path}${end}`, `${moved}${end}`);
  }
  return moved;
}

function damaged(path: string, what: string, cause?: unknown): MediaError {
  const text = `state-sqlite: ${path} is damaged (${what}): "mediatap state restore" replaces it by the copy of its newest revision`;
  return new MediaError("ECONFIG", text, { cause });
}

/** The primary result code of SQLite. */
function resultOf(error: unknown): number | undefined {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === "number" ? errcode & 0xff : undefined;
}
