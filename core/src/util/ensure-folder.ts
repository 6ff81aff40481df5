import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "../model/errors.ts";

/**
 * Makes a folder and those above it, if they are missing. Not by `mkdir` with `recursive`: in Node 24 that never ends, and takes a
 * whole core, where the system refuses a folder with ENOENT below one that exists, as it does in `/proc`.
 */
export async function ensureFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await makeFolder(path, mode);
  } catch (error) {
    const above = dirname(path);
    if (codeOf(error) !== "ENOENT" || above === path) throw error;
    if (!(await isFolder(above))) await ensureFolder(above, mode);
    // Also if it is there by now: somebody else may have made it since.
    await makeFolder(path, mode);
  }
}

async function makeFolder(path: string, mode: number): Promise<void> {
  try {
    await mkdir(path, { mode });
  } catch (error) {
    if (codeOf(error) !== "EEXIST" || !(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
