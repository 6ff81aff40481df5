import { resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { addAbortSignal, Readable } from "node:stream";
import { MediaError, type Plugin, parseOptions } from "@mediatap/core";
import { NOT_MODIFIED, type Storage } from "@mediatap/core/storage";
import { z } from "zod";

const NAME = "storage-sqlite";
const PIECE = 256 * 1024;

/** Fields of an origin of type `SQLITE`. */
const fields = z.strictObject({
  /** The database; a relative path starts at the configuration file. */
  file: z.string().min(1),
});

interface Row {
  readonly id: number;
  readonly size: number;
  readonly type: string | null;
  readonly modified: number;
}

/**
 * Originals from a table of a SQLite database (origin type `SQLITE`):
 * `files (id INTEGER PRIMARY KEY, path TEXT UNIQUE, bytes BLOB, type TEXT, modified INTEGER)`.
 */
export function storageSqlite(): Plugin {
  return {
    name: NAME,
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks }) {
      const open: DatabaseSync[] = [];
      hooks.storage.for("SQLITE").tap(NAME, ({ name, base, options }) => {
        const { file } = parseOptions(fields, options, `origins.${name}`);
        const path = resolve(base, file);
        let database: DatabaseSync | undefined;
        // Opened for the first file, not at the start.
        return sqliteStorage(() => {
          if (!database) {
            database = new DatabaseSync(path, { readOnly: true });
            open.push(database);
          }
          return database;
        });
      });
      hooks.stop.tap(NAME, () => {
        for (const database of open.splice(0)) database.close();
      });
    },
  };
}

/** The storage of one database; exported for its tests. */
export function sqliteStorage(connect: () => DatabaseSync): Storage {
  return {
    label: "sqlite",
    async open(path, { range, ifNoneMatch, ifModifiedSince, signal }) {
      signal.throwIfAborted();
      try {
        const database = connect();
        const row = database
          .prepare("SELECT id, length(bytes) AS size, type, modified FROM files WHERE path = ?")
          .get(path) as Row | undefined;
        if (!row) return undefined;
        const { id, size, type, modified } = row;
        const etag = `"${id}-${size}-${modified}"`;
        if (ifNoneMatch !== undefined ? ifNoneMatch === etag : (ifModifiedSince ?? 0) >= modified)
          return NOT_MODIFIED;
        const { start, end } = range ?? { start: 0, end: size - 1 };
        return {
          size,
          etag,
          lastModified: modified,
          ...(type === null ? {} : { type }),
          body: () =>
            addAbortSignal(signal, Readable.from(pieces(database, id, start, Math.min(end, size - 1)))),
        };
      } catch (cause) {
        throw new MediaError("UNIDENTIFIED", "The database could not be read", { cause });
      }
    },
  };
}

/** The bytes from `start` to `end`, both included, piece by piece: a large file never lies in memory whole. */
function* pieces(database: DatabaseSync, id: number, start: number, end: number): Generator<Uint8Array> {
  const read = database.prepare("SELECT substr(bytes, ?, ?) AS piece FROM files WHERE id = ?");
  for (let at = start; at <= end; at += PIECE) {
    // substr counts from 1.
    const row = read.get(at + 1, Math.min(PIECE, end + 1 - at), id) as { piece: Uint8Array } | undefined;
    if (!row) throw new Error("the file was removed while it was read");
    yield row.piece;
  }
}

export default storageSqlite;
