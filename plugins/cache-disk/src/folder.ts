import { codeOf } from "@mediatap/core";
import { ensureFolder } from "@mediatap/core/storage";

/** Modes that give access only to the user of this process. */
const FOLDER_MODE = 0o700;
export const FILE_MODE = 0o600;

/** Does work in a folder, which is created if it does not exist. */
export async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    await ensureFolder(folder, FOLDER_MODE);
    return await work();
  }
}
