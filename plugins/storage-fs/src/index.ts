import { once } from "node:events";
import { closeSync, constants, createReadStream, fstatSync, open, type Stats } from "node:fs";
import { realpath } from "node:fs/promises";
import { basename, resolve, sep } from "node:path";
import { promisify } from "node:util";
import { changed, codeOf, MediaError, type Plugin, parseOptions, shortageOf } from "@mediatap/core";
import { NOT_MODIFIED, type Storage } from "@mediatap/core/storage";
import { z } from "zod";
import { assertReadable } from "./check.ts";
import { listFolder } from "./list.ts";
import { folderWriting } from "./write.ts";

const NAME = "storage-fs";

/** An origin of type `FOLDER`. */
const folder = z.strictObject({
  /** The folder; a relative one starts at the configuration file. */
  path: z.string().min(1),
  /** Seconds after which a file is looked at again. */
  checkSeconds: z.number().min(0).default(1),
});

/** Options of an origin of type `FOLDER`. */
export type FolderOptions = z.input<typeof folder>;

/** What a file system says when there is simply no such file to be had. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "EISDIR", "ENAMETOOLONG", "ELOOP", "ENXIO", "EINVAL"]);

const openFile = promisify(open);

/** What is known of a file that can be opened for reading. */
async function statOf(file: string): Promise<Stats> {
  // O_NONBLOCK: to open a pipe without a writer must not wait.
  const descriptor = await openFile(file, constants.O_RDONLY | constants.O_NONBLOCK);
  // An open file is described and closed at once: two more trips to the thread pool would take longer.
  try {
    return fstatSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function failureOf(cause: unknown): MediaError {
  if (["EACCES", "EPERM"].includes(codeOf(cause) ?? "")) {
    return new MediaError("EACCES", "The file may not be read", { cause });
  }
  return shortageOf(cause) ?? new MediaError("UNIDENTIFIED", "The file could not be read", { cause });
}

/**
 * Originals from folders (origin type `FOLDER`). A file is found only by its real path inside the folder: links that
 * lead out, directories, devices and pipes are "not here".
 */
export function storageFs(): Plugin {
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.storage.for("FOLDER").tap(NAME, ({ name, base, options }) => {
        const { path, checkSeconds } = parseOptions(folder, options, `origins.${name}`);
        return folderStorage(resolve(base, path), checkSeconds * 1000);
      });
    },
  };
}

/** The files below `root`; `freshFor` is in milliseconds. */
export function folderStorage(root: string, freshFor = 1000): Storage {
  let real: Promise<string> | undefined;

  /** The real path of a file inside the folder; `undefined` when there is none. */
  async function locate(path: string): Promise<string | undefined> {
    real ??= realpath(root);
    real.catch(() => {
      real = undefined;
    });
    const [inside, file] = await Promise.all([real, realpath(resolve(root, path))]);
    return file.startsWith(inside.endsWith(sep) ? inside : inside + sep) ? file : undefined;
  }

  return {
    ...folderWriting(root),
    listFolder: (folder, options) => listFolder(root, folder, options),
    freshFor,
    label: `folder ${basename(root)}`,
    isLocal: true,
    check: () => assertReadable(root),
    async open(path, { range, ifNoneMatch, ifModifiedSince, signal }) {
      signal.throwIfAborted();
      try {
        const file = await locate(path);
        if (file === undefined) return undefined;
        const stat = await statOf(file);
        if (!stat.isFile()) return undefined;
        const lastModified = Math.trunc(stat.mtimeMs);
        const etag = `"${stat.ino.toString(36)}-${stat.size.toString(36)}-${stat.mtimeMs.toString(36)}"`;
        const isUnmodified = ifModifiedSince !== undefined && ifModifiedSince >= lastModified;
        if (ifNoneMatch === undefined ? isUnmodified : ifNoneMatch === etag) return NOT_MODIFIED;
        return {
          size: stat.size,
          etag,
          lastModified,
          file,
          async body() {
            const stream = createReadStream(file, { ...range, signal });
            // One that cannot be opened fails before anything is sent.
            await once(stream, "open").catch((cause: unknown) => {
              throw ABSENT.has(codeOf(cause) ?? "") ? changed() : failureOf(cause);
            });
            return stream;
          },
        };
      } catch (cause) {
        if (ABSENT.has(codeOf(cause) ?? "")) return undefined;
        throw failureOf(cause);
      }
    },
  };
}

export default storageFs;
