import { mkdir, mkdtemp, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A folder of its own for a test. */
export interface TestFolder {
  readonly path: string;
  write(path: string, bytes: Uint8Array | string): Promise<void>;
  /** Gives a file another time of modification, in whole seconds from now. */
  touch(path: string, seconds: number): Promise<void>;
  remove(path: string): Promise<void>;
  close(): Promise<void>;
}

export async function makeFolder(
  files: Readonly<Record<string, Uint8Array | string>> = {},
): Promise<TestFolder> {
  const path = await mkdtemp(join(tmpdir(), "mediatap-test-"));
  const folder: TestFolder = {
    path,
    async write(name, bytes) {
      await mkdir(dirname(join(path, name)), { recursive: true });
      await writeFile(join(path, name), bytes);
    },
    async touch(name, seconds) {
      const time = Math.floor(Date.now() / 1000) + seconds;
      await utimes(join(path, name), time, time);
    },
    remove: (name) => rm(join(path, name)),
    close: () => rm(path, { recursive: true, force: true }),
  };
  for (const [name, bytes] of Object.entries(files)) await folder.write(name, bytes);
  return folder;
}
