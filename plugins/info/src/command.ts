import { once } from "node:events";
import { availableParallelism } from "node:os";
import { buffer } from "node:stream/consumers";
import {
  type InfoField,
  infoFields,
  isMediaType,
  MediaError,
  type OpenedFolder,
  type PluginApi,
  typeOfName,
} from "@mediatap/core";

/** Milliseconds between two lines with progress. */
const PROGRESS_INTERVAL_MS = 1_000;

/** Adds `mediatap info`. */
export function addInfo({ command }: Pick<PluginApi, "command">): void {
  command((program, _, openFolder) => {
    program
      .command("info")
      .description("describe the images and videos of a folder as JSON")
      .argument("<folder>", "the folder; those in it are included")
      .option("--fields <names>", "what to describe, separated by commas; default: what headers contain")
      .action(async (path: string, { fields }: { readonly fields?: string }) => {
        const named = fields === undefined ? undefined : infoFields(fields.split(","));
        const folder = await openFolder(path);
        try {
          await describeFolder(folder, named);
        } finally {
          await folder.close();
        }
      });
  });
}

/** By its name. In the folder of a website a file whose name is that of an MPEG transport stream is TypeScript. */
const isMedia = (path: string) => isMediaType(typeOfName(path)) && !/\.m?ts$/i.test(path);

/** The description of a file, as JSON, or why there is none. */
type Described = { readonly path: string } & (
  | { readonly json: string }
  | { readonly error: Partial<MediaError> }
);

/** Writes descriptions to standard output, in the order of paths, and all else to standard error. */
async function describeFolder(folder: OpenedFolder, fields: readonly InfoField[] | undefined): Promise<void> {
  const paths: string[] = [];
  for await (const path of folder.files()) if (isMedia(path)) paths.push(path);
  paths.sort();
  const begun: Promise<Described>[] = [];
  const begin = (path: string | undefined) => path !== undefined && begun.push(described(path));
  for (const path of paths.slice(0, availableParallelism())) begin(path);
  let [done, failed, shown] = [0, 0, performance.now()];
  for (let next = begun.shift(); next; next = begun.shift()) {
    const result = await next;
    begin(paths[done + begun.length + 1]);
    done++;
    if ("error" in result) {
      failed++;
      const { code = "EINTERNAL", message } = result.error;
      console.error(`${result.path}: ${code} ${message}`);
    } else {
      await write(`${done - failed === 1 ? "{" : ","}\n${JSON.stringify(result.path)}: ${result.json}`);
    }
    if (done < paths.length && performance.now() - shown < PROGRESS_INTERVAL_MS) continue;
    shown = performance.now();
    console.error(`${done} of ${paths.length} files${failed > 0 ? `, ${failed} failed` : ""}`);
  }
  await write(done > failed ? "\n}\n" : "{}\n");
  if (failed > 0)
    throw new MediaError("ECONFIG", `${failed} of ${paths.length} files could not be described`);

  async function described(path: string): Promise<Described> {
    try {
      const info = fields ? { fields } : {};
      const { body } = await folder.render(path, { steps: [], output: { info } });
      if (!body) throw new MediaError("EINTERNAL", "The file could not be described");
      const bytes = body.complete && body.bytes ? body.bytes : await buffer(await body.stream());
      return { path, json: Buffer.from(bytes).toString("utf8") };
    } catch (error) {
      // Awaited in order, and so perhaps only later.
      return { path, error: error as Partial<MediaError> };
    }
  }
}

async function write(text: string): Promise<void> {
  // Nobody reads on.
  if (process.stdout.destroyed) return;
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}
