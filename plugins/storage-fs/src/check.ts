import { opendir, stat } from "node:fs/promises";
import { codeOf } from "@mediatap/core";

/** Throws in plain words for the operator where a folder cannot be read from. */
export async function assertReadable(root: string): Promise<void> {
  try {
    if (!(await stat(root)).isDirectory()) {
      throw new Error(`${root} is a file; name the folder that it lies in`);
    }
    // To list takes the right to read, to open what is listed takes the right to enter.
    await (await opendir(root)).close();
    await stat(`${root}/.`);
  } catch (cause) {
    const advice = ADVICE[codeOf(cause) ?? ""];
    throw advice === undefined ? cause : new Error(advice(root));
  }
}

const mayNot = (root: string) =>
  `the user of this process may not read the folder ${root}; give it the rights to read and to enter it`;

const ADVICE: Readonly<Record<string, (root: string) => string>> = {
  ENOENT: (root) => `there is no folder ${root}; make it, mount it, or correct the path`,
  ENOTDIR: (root) => `a part of the path ${root} is a file; correct the path`,
  EACCES: mayNot,
  EPERM: mayNot,
};
