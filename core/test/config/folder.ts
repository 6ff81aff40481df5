import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export type Files = Readonly<Record<string, string | Uint8Array | object>>;

/** A new folder with these files: texts and bytes as they are, anything else as JSON. */
export async function folderWith(files: Files) {
  const path = await mkdtemp(join(tmpdir(), "mediatap-"));
  const write = async (name: string, content: Files[string]) => {
    const file = join(path, name);
    await mkdir(dirname(file), { recursive: true });
    const isPlain = typeof content === "object" && !(content instanceof Uint8Array);
    await writeFile(file, isPlain ? JSON.stringify(content) : content);
  };
  for (const [name, content] of Object.entries(files)) await write(name, content);
  return { path, write, remove: (name = "") => rm(join(path, name), { recursive: true, force: true }) };
}

/** The message that work fails with. */
export async function messageOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error("Expected a failure");
}
