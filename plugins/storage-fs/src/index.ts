import { once } from "node:events";
import fs from "node:fs";
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

const openFile = promisify(fs.open);
const readInto = promisify(fs.read);

/** Files up to this size are read when they are opened: to open them again takes longer than to read them. */
const SMALL_BYTES = 64 * 1024;

/** O_NONBLOCK: to open a pipe without a writer must not wait. */
const FLAGS = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK;

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
  let inside: Promise<string> | undefined;

  /** What the real paths of all files in the folder begin with. */
  async function realRoot(): Promise<string> {
    inside ??= fs.promises.realpath(root).then((real) => (real.endsWith(sep) ? real : real + sep));
    inside.catch(() => {
      inside = undefined;
    });
    return await inside;
  }

  return {
    ...folderWriting(root),
    listFolder: (folder, options) => listFolder(root, folder, options),
    freshFor,
    label: `folder ${basename(root)}`,
    isLocal: true,
    check: () => assertReadable(root),
    async open(path, { range, ifNoneMatch, ifModifiedSince, head, signal }) {
      signal.throwIfAborted();
      let descriptor: number | undefined;
      try {
        const above = await realRoot();
        const named = resolve(root, path);
        descriptor = await openFile(named, FLAGS);
        // At once: the system has just looked the file up, and a trip to the thread pool takes longer.
        const file = realPathOf(descriptor, named);
        const stat = fs.fstatSync(descriptor);
        if (!file.startsWith(above) || !stat.isFile()) return undefined;
        const { size, mtimeMs } = stat;
        const lastModified = Math.trunc(mtimeMs);
        const etag = `"${stat.ino.toString(36)}-${size.toString(36)}-${mtimeMs.toString(36)}"`;
        const isUnmodified = ifModifiedSince !== undefined && ifModifiedSince >= lastModified;
        if (ifNoneMatch === undefined ? isUnmodified : ifNoneMatch === etag) return NOT_MODIFIED;
        const isRead = size <= SMALL_BYTES && !range && !head;
        const bytes = isRead ? await readAll(descriptor, size) : undefined;
        return {
          size,
          etag,
          lastModified,
          file,
          ...(bytes && { bytes }),
          async body() {
            const stream = fs.createReadStream(file, { ...range, signal });
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
      } finally {
        if (descriptor !== undefined) fs.closeSync(descriptor);
      }
    },
  };
}

/** Where an open file is. Linux says it of the file itself, so a link that is replaced meanwhile changes nothing. */
function realPathOf(descriptor: number, named: string): string {
  try {
    if (process.platform === "linux") return fs.readlinkSync(`/proc/self/fd/${descriptor}`);
  } catch {
    // Without /proc the path is resolved once more.
  }
  return fs.realpathSync.native(named);
}

/** The bytes of an open file; `undefined`: it has become shorter. */
async function readAll(descriptor: number, size: number): Promise<Uint8Array | undefined> {
  const { buffer, bytesRead } = await readInto(descriptor, Buffer.allocUnsafe(size), 0, size, 0);
  return bytesRead === size ? buffer : undefined;
}

export default storageFs;
