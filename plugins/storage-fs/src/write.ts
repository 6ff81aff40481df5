import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { link, lstat, opendir, open as openFile, realpath, rename, rm, stat, unlink } from "node:fs/promises";
import { basename, join, sep } from "node:path";
import type { Readable } from "node:stream";
import { codeOf, MediaError } from "@mediatap/core";
import { ensureFolder, type FileMetadata, nameTaken, type Storage } from "@mediatap/core/storage";

/** A file under way: it becomes the real one by a rename. */
export const TEMPORARY = /^\.mediatap-[\w-]+\.tmp$/;

/** Age in milliseconds after which an unfinished file counts as abandoned by a killed process. */
const ABANDONED_AGE_MS = 24 * 60 * 60 * 1000;

/** What can be changed below `root`. Nothing is changed through a folder that is a link, wherever it leads. */
export function folderWriting(
  root: string,
): Required<Pick<Storage, "write" | "remove" | "list" | "createFolder" | "removeFolder">> {
  return {
    async createFolder(path) {
      await explained("made", async () => {
        await madeFolder(root, `${path}/file`);
      });
    },

    async removeFolder(path) {
      await explained("removed", async () => {
        const folder = join(await folderOf(root, path), basename(path));
        const stats = await lstat(folder).catch(unlessAbsent);
        // What a link leads to stays.
        if (stats?.isSymbolicLink() && (await stat(folder).catch(unlessAbsent))?.isDirectory())
          await unlink(folder);
        else if (stats?.isDirectory()) await rm(folder, { recursive: true, force: true });
      });
    },

    async write(path, body, metadata) {
      await explained("written", async () => {
        const folder = await madeFolder(root, path);
        const temporary = join(folder, `.mediatap-${randomUUID()}.tmp`);
        try {
          await fill(temporary, body, metadata);
          const file = join(folder, basename(path));
          await (metadata.isNew ? placeNew : rename)(temporary, file);
        } catch (error) {
          await rm(temporary, { force: true });
          throw error;
        }
      });
    },

    async remove(path) {
      await explained("removed", async () => {
        try {
          await unlink(join(await folderOf(root, path), basename(path)));
        } catch (error) {
          if (!["ENOENT", "ENOTDIR", "EISDIR", "EPERM", "ENAMETOOLONG"].includes(codeOf(error) ?? ""))
            throw error;
        }
      });
    },

    list: (prefix) => walk(root, prefix.slice(0, prefix.lastIndexOf("/") + 1), prefix),
  };
}

function unlessAbsent(error: unknown): undefined {
  if (!["ENOENT", "ENOTDIR", "ENAMETOOLONG", "ELOOP"].includes(codeOf(error) ?? "")) throw error;
}

/**
 * The folder of a file by its real path, whether it exists or not. Throws `EFORBIDDEN` if a part of it is a symbolic link: what is
 * behind it belongs to another path, or to none.
 */
async function folderOf(root: string, path: string): Promise<string> {
  const segments = segmentsOf(path).slice(0, -1);
  let folder = await realpath(root);
  for (const segment of segments) {
    folder = join(folder, segment);
    if ((await lstat(folder).catch(unlessAbsent))?.isSymbolicLink()) {
      throw new MediaError("EFORBIDDEN", "Files are not changed through a folder that is a symbolic link");
    }
  }
  return folder;
}

/** As `folderOf`, made where it is missing. */
async function madeFolder(root: string, path: string): Promise<string> {
  await ensureFolder(root);
  const folder = await folderOf(root, path);
  await ensureFolder(folder);
  return folder;
}

/** Takes the name of a new file, once among all processes. Throws `nameTaken()` if another file has it. */
async function placeNew(temporary: string, file: string): Promise<void> {
  const taken = (cause: unknown): never => {
    if (codeOf(cause) !== "EEXIST") throw cause;
    throw nameTaken(cause);
  };
  try {
    await link(temporary, file);
  } catch (error) {
    if (codeOf(error) === "EEXIST") return taken(error);
    // The file system has no hard links: for a moment an empty file holds the name.
    await (await openFile(file, "wx").catch(taken)).close();
    return await rename(temporary, file);
  }
  // A rename between two names of one file does nothing.
  await unlink(temporary);
}

async function fill(
  file: string,
  body: Readable | Uint8Array,
  { lastModified }: FileMetadata,
): Promise<void> {
  const handle = await openFile(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o666);
  try {
    await handle.writeFile(body);
    if (lastModified !== undefined) await handle.utimes(new Date(), new Date(lastModified));
    // Else a power failure after the rename may leave an empty file under the real name.
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Files below `folder` whose path begins with `prefix`. */
async function* walk(root: string, folder: string, prefix: string): AsyncGenerator<string> {
  const entries = await opendir(join(root, folder)).catch((error: unknown) => {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error) ?? "")) return undefined;
    throw error;
  });
  if (!entries) return;
  for await (const entry of entries) {
    const path = folder + entry.name;
    if (entry.isDirectory()) {
      if (`${path}/`.startsWith(prefix) || prefix.startsWith(`${path}/`))
        yield* walk(root, `${path}/`, prefix);
    } else if (entry.isFile() && TEMPORARY.test(entry.name)) {
      await sweep(join(root, path));
    } else if (entry.isFile() && path.startsWith(prefix)) {
      yield path;
    }
  }
}

async function sweep(file: string): Promise<void> {
  const stats = await stat(file).catch(() => undefined);
  if (stats && Date.now() - stats.mtimeMs > ABANDONED_AGE_MS) await rm(file, { force: true });
}

function segmentsOf(path: string): string[] {
  const segments = path.split("/");
  if (path.includes("\0") || segments.some((segment) => ["", ".", ".."].includes(segment))) {
    throw new MediaError("EINVAL", "Expected a path inside the folder");
  }
  return segments;
}

export function isBelow(inside: string, folder: string): boolean {
  return folder === inside || folder.startsWith(inside.endsWith(sep) ? inside : inside + sep);
}

async function explained(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (cause) {
    if (cause instanceof MediaError) throw cause;
    const denied = ["EACCES", "EPERM", "EROFS"].includes(codeOf(cause) ?? "");
    throw new MediaError(denied ? "EACCES" : "UNIDENTIFIED", `The file could not be ${what}`, { cause });
  }
}
