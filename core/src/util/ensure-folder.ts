import { mkdir, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { codeOf } from "../model/errors.ts";

/**
 * Makes a folder and those above it, if they are missing. Not by `mkdir` with `recursive`: in Node 24 that never ends, and takes a
 * whole core, where the system refuses a folder with ENOENT below one that exists, as it does in `/proc`.
 */
export async function ensureFolder(path: string, mode = 0o777): Promise<void> {
  const above = dirname(path);
  try {
    await mkdir(path, { mode });
  } catch (error) {
    const code = codeOf(error);
    if (code === "EEXIST" && (await isFolder(path))) return;
    if (code !== "ENOENT" || above === path || (await isFolder(above))) throw error;
    await ensureFolder(above, mode);
    await ensureFolder(path, mode);
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
