import { randomBytes } from "node:crypto";
import fs from "node:fs";
import { codeOf, type Diagnosis } from "@mediatap/core";
import { ensureFolder } from "@mediatap/core/storage";

const MB = 1024 * 1024;

/** Tries for `mediatap doctor` whether the folder can be used, and has room. */
export async function examine(path: string, maxBytes: number, diagnosis: Diagnosis): Promise<void> {
  const what = "cache-disk";
  try {
    await ensureFolder(path, 0o700);
    const probe = `${path}/doctor-${randomBytes(6).toString("hex")}.tmp`;
    await fs.promises.writeFile(probe, "mediatap doctor was here", { mode: 0o600 });
    await fs.promises.rm(probe);
    const { bavail, bsize } = await fs.promises.statfs(path);
    const [free, budget] = [Math.round((bavail * bsize) / MB), Math.round(maxBytes / MB)];
    const text = `${path} can be written to; ${free} MB are free, the budget is ${budget} MB`;
    if (free >= budget) diagnosis.add({ what, state: "good", text });
    else
      diagnosis.add({
        what,
        state: "poor",
        text,
        advice: "existing files count, too; otherwise set maxBytes",
      });
  } catch (error) {
    diagnosis.add({
      what,
      state: "bad",
      text: `${path} cannot be written to (${codeOf(error) ?? (error as Error).message})`,
      advice: "create the folder, and allow the user of this process to write to it",
    });
  }
}
