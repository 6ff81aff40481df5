import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Opens a database that can be written, and makes the table if it is not there. */
export function openForWriting(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  database.exec(
    "CREATE TABLE IF NOT EXISTS files (id INTEGER PRIMARY KEY, path TEXT UNIQUE, bytes BLOB, type TEXT, modified INTEGER)",
  );
  return database;
}

export function put(database: DatabaseSync, path: string, bytes: Uint8Array, modified: number): void {
  database.prepare("DELETE FROM files WHERE path = ?").run(path);
  database.prepare("INSERT INTO files (path, bytes, modified) VALUES (?, ?, ?)").run(path, bytes, modified);
}

// node fill.ts photos.db ../start/media/*.jpg
if (import.meta.main) {
  const [file = "photos.db", ...pictures] = process.argv.slice(2);
  const database = openForWriting(file);
  for (const picture of pictures)
    put(database, basename(picture), readFileSync(picture), Math.trunc(statSync(picture).mtimeMs));
  database.close();
}
