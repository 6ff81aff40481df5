import { codeOf } from "@mediatap/core";
import { ensureFolder } from "@mediatap/core/storage";

/** For nobody but the user of this process. */
const FOLDER = 0o700;
export const FILE = 0o600;

/** Does the work, in a folder that is made where it is not there. */
export async function inFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw error;
    await ensureFolder(folder, FOLDER);
    return await work();
  }
}
