import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { lstat, readdir, readFile, readlink, rm, stat, statfs } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Finding } from "../hooks.ts";
import { MediaError, shortageOf } from "../model/errors.ts";
import { isGone, type Owner, thisOwner } from "../util/owner.ts";

// Temporary files of a process lie in a folder of its own. It names its owner, so that the next process can tell whether the owner
// is gone (killed, out of memory) and remove what it left, programs that still work in it included.

/** A private folder of this process for temporary files. */
export interface TempFolder {
  /** Absolute. Its owner alone may read it (0700). Programs that work in it are found when their server is gone. */
  readonly path: string;
  /** Makes the folder again if somebody has removed it, without what was in it. Throws `EBUSY` if that fails. */
  restore(): void;
  /** Removes it, with all that is in it. */
  close(): Promise<void>;
}

/** The file in a folder that names its owner; its time is updated while the owner lives. */
const OWNER_FILE = "owner";
/** Time between updates. */
const HEARTBEAT_INTERVAL_MS = 60_000;
/** Age from which an owner that cannot be seen from here (in another container) counts as gone. */
const HEARTBEAT_TIMEOUT_MS = 10 * HEARTBEAT_INTERVAL_MS;
/** Age from which a folder that names no owner is left over: of a process that was killed while it made the folder. */
const OWNERLESS_AGE_MS = 24 * 60 * 60 * 1_000;
/** Free space of the disk below which the doctor warns. */
const LOW_SPACE_BYTES = 256 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 5;

const prefixOf = (name: string) => `mediatap-${name}-`;

/**
 * Makes a folder `mediatap-<name>-…` below the system's own for temporary files (`TMPDIR`), which goes with the process. Folders of
 * that name whose process is gone are removed in the background. Throws `EBUSY` if none can be made: the place is missing, full, or not writable.
 */
export function openTempFolder(name: string): TempFolder {
  const path = makeFolder(name);
  const owner = join(path, OWNER_FILE);
  const heartbeat = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(owner, now, now);
    } catch {
      // The folder is gone; what is written to it fails by itself.
    }
  }, HEARTBEAT_INTERVAL_MS);
  heartbeat.unref();
  const onExit = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", onExit);
  removeOrphans(tmpdir(), prefixOf(name)).catch(() => {});
  return {
    path,
    restore() {
      if (existsSync(path)) return;
      try {
        mkdirSync(path, { mode: 0o700 });
      } catch (cause) {
        throw noFolder(cause);
      }
      writeOwner(path);
    },
    async close() {
      clearInterval(heartbeat);
      process.off("exit", onExit);
      await rm(path, { recursive: true, force: true });
    },
  };
}

function makeFolder(name: string): string {
  let path: string;
  try {
    path = mkdtempSync(join(tmpdir(), prefixOf(name)));
  } catch (cause) {
    throw noFolder(cause);
  }
  writeOwner(path);
  return path;
}

/** Removes the folder if that fails: its owner would be unknown. */
function writeOwner(path: string): void {
  try {
    writeFileSync(join(path, OWNER_FILE), JSON.stringify(thisOwner()), { mode: 0o600 });
  } catch (cause) {
    rmSync(path, { recursive: true, force: true });
    throw noFolder(cause);
  }
}

const noFolder = (cause: unknown): MediaError =>
  shortageOf(cause) ??
  new MediaError("EBUSY", "The server has no space for temporary files", {
    cause,
    retryAfterSeconds: RETRY_AFTER_SECONDS,
  });

/** Whether temporary files can be written, for the doctor. */
export async function examineTempFolder(): Promise<Finding> {
  const what = "temporary files";
  const directory = tmpdir();
  const advice = "make that folder writable, free space on its disk, or set TMPDIR";
  try {
    const folder = openTempFolder("doctor");
    await folder.close();
    const { bavail, bsize } = await statfs(directory);
    const free = bavail * bsize;
    return {
      what,
      state: free < LOW_SPACE_BYTES ? "poor" : "good",
      text: `${directory}, ${(free / 1e9).toFixed(1)} GB free`,
      ...(free < LOW_SPACE_BYTES && { advice }),
    };
  } catch (error) {
    const { message } = (error as MediaError).cause as Error;
    return { what, state: "bad", text: `no videos and no texts on images: ${message}`, advice };
  }
}

/** Removes the folders of processes that are gone, and ends what still works in them. Others' folders are left alone. */
async function removeOrphans(directory: string, prefix: string): Promise<void> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(prefix));
  for (const name of names) {
    const path = join(directory, name);
    if (!(await isOrphan(path).catch(() => false))) continue;
    await killProcessesIn(path);
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function isOrphan(path: string): Promise<boolean> {
  const found = await lstat(path);
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid())) return false;
  const marker = join(path, OWNER_FILE);
  try {
    const owner = JSON.parse(await readFile(marker, "utf8")) as Owner;
    return isGone(owner) ?? Date.now() - (await stat(marker)).mtimeMs > HEARTBEAT_TIMEOUT_MS;
  } catch {
    return Date.now() - found.mtimeMs > OWNERLESS_AGE_MS;
  }
}

/** Ends the processes whose working folder lies in a folder; known only where there is `/proc`. */
async function killProcessesIn(folder: string): Promise<void> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const directory = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    if (directory !== folder && !directory?.startsWith(`${folder}/`)) continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has gone meanwhile.
    }
  }
}
