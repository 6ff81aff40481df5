import { readFileSync, readlinkSync } from "node:fs";
import { lstat, readdir, readFile, readlink, rm, stat } from "node:fs/promises";
import { join } from "node:path";

// What a server that was killed leaves behind: a folder, and programs that work in it. A folder says whose it is. Where the
// system ends programs with their server (`setpriv --pdeathsig`) there are none of these.

/** How folders for temporary files begin. */
export const PREFIX = "mediatap-ffmpeg-";
/** The file in a folder that says whose it is; its time is renewed while its owner lives. */
export const OWNER = "owner";
/** Milliseconds between renewals. */
export const PULSE = 60_000;
/** Age from which an owner that cannot be seen from here (in another container) counts as gone. */
const SILENCE = 10 * PULSE;

interface Owner {
  readonly pid: number;
  /** When it began, as the system counts: another process may get the same number. */
  readonly began: string;
  /** Which process numbers are meant. */
  readonly space: string;
}

/** What this process writes into its folder. */
export const ownerText = (): string =>
  JSON.stringify({ pid: process.pid, began: beganSync(process.pid), space: spaceSync() } satisfies Owner);

/** Removes the folders of processes that are gone, and ends what still works in them. Others' folders are left alone. */
export async function sweep(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(PREFIX));
  for (const name of names) {
    const path = join(folder, name);
    if (!(await isLeft(path).catch(() => false))) continue;
    await endThoseIn(path);
    await rm(path, { recursive: true, force: true }).catch(() => {});
  }
}

async function isLeft(path: string): Promise<boolean> {
  const found = await lstat(path);
  if (!found.isDirectory() || (process.getuid && found.uid !== process.getuid())) return false;
  const marker = join(path, OWNER);
  const facts = await stat(marker).catch(() => undefined);
  // One that is just being made has no marker yet.
  if (!facts) return Date.now() - found.mtimeMs > SILENCE;
  const owner = JSON.parse(await readFile(marker, "utf8")) as Owner;
  if (owner.space === spaceSync()) return !isAlive(owner);
  return Date.now() - facts.mtimeMs > SILENCE;
}

function isAlive({ pid, began }: Owner): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
  }
  return beganSync(pid) === began;
}

/** Ends the processes whose working folder lies in a folder; known only where there is `/proc`. */
async function endThoseIn(folder: string): Promise<void> {
  const pids = (await readdir("/proc").catch(() => [])).filter((name) => /^\d+$/.test(name));
  for (const pid of pids) {
    const place = await readlink(`/proc/${pid}/cwd`).catch(() => undefined);
    if (place !== folder && !place?.startsWith(`${folder}/`)) continue;
    try {
      process.kill(Number(pid), "SIGKILL");
    } catch {
      // It has gone meanwhile.
    }
  }
}

/** Field 22 of `/proc/<pid>/stat` (proc(5)); what stands before may hold spaces and brackets. */
function beganSync(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "latin1");
    return text.slice(text.lastIndexOf(")") + 2).split(" ")[19] ?? "";
  } catch {
    return "";
  }
}

function spaceSync(): string {
  try {
    return readlinkSync("/proc/self/ns/pid");
  } catch {
    return "";
  }
}
