import { type CallHandler, codeOf, MediaError, type PluginApi } from "@mediatap/core";
import { describeCall } from "@mediatap/core/state";
import { z } from "zod";
import { createBulkJobs, jobSchema } from "./bulk-jobs.ts";
import { assertType, type Changes, createChanges } from "./file-changes.ts";
import {
  ability,
  baseOf,
  choiceQuery,
  createLibrary,
  encodePath,
  FILE_TIMEOUT_MS,
  type FileLocation,
  join,
  MAX_ENTRIES,
  nameOf,
  type OriginLocation,
  pathOf,
  rulesFor,
  storageSignal,
  textLike,
  walk,
} from "./library.ts";
import { bodyOf } from "./objects.ts";
import { HELP, limitedChange } from "./rate.ts";

const FOLDER = "/v1/folder";
const JOBS = "/v1/bulkJobs";

/** Files that a job copies at once. */
const MAX_CONCURRENT_COPIES = 8;

const createBody = z.object({ folderName: textLike("animals"), parentFolderPath: textLike("/") });
const deleteBody = z.object({ folderPath: textLike("/animals/") });
const copyBody = z.object({
  sourceFolderPath: textLike("/animals"),
  destinationPath: textLike("/archive/"),
  includeVersions: z.boolean().optional(),
});
const renameBody = deleteBody.extend({
  newFolderName: textLike("pets"),
  purgeCache: z.boolean().default(false),
});
const jobStarted = z.object({ jobId: z.string() });

/** Adds the calls of `folders`. */
export function addFolders(
  api: Pick<PluginApi, "manage" | "origins" | "purge" | "hooks" | "shared" | "cluster" | "logger">,
): void {
  const { manage } = api;
  const library = createLibrary(api);
  const changes = createChanges(api);
  const jobs = createBulkJobs(api);

  const create: CallHandler = async (request, endpoints, rights) => {
    const { folderName, parentFolderPath } = await bodyOf(request, createBody);
    const name = nameOf(folderName, "folderName");
    const path = join(pathOf(parentFolderPath, "parentFolderPath", { isFolder: true }), name);
    const locations = library.locationsOf(request.query, endpoints);
    const location =
      locations.find(({ storage }) => storage.createFolder) ?? (locations[0] as OriginLocation);
    rulesFor({ ...location, path });
    await ability(location, "createFolder", "make folders")(path);
    rights.note(`the folder ${path} was made`);
    return { status: 201, body: {} };
  };

  const del: CallHandler = async (request, endpoints, rights) => {
    const { folderPath } = await bodyOf(request, deleteBody);
    const folder = await find(library.locationsOf(request.query, endpoints), folderPath, "folderPath");
    rulesFor(folder);
    await removeFolder(folder);
    await changes.purgeFolder(folder);
    rights.note(`the folder ${folder.path} was deleted`);
    return { status: 204, body: undefined };
  };

  /** Copies or moves a folder into another one. */
  const transfer =
    (isMove: boolean): CallHandler =>
    async (request, endpoints, rights) => {
      const { sourceFolderPath, destinationPath } = await bodyOf(request, copyBody);
      const into = pathOf(destinationPath, "destinationPath", { isFolder: true });
      const folder = await find(
        library.locationsOf(request.query, endpoints),
        sourceFolderPath,
        "sourceFolderPath",
      );
      const to = join(into, lastOf(folder.path));
      if (to === folder.path || to.startsWith(`${folder.path}/`)) {
        throw new MediaError(
          "EINVAL",
          "destinationPath: Expected a folder outside of the source, and another one than its parent",
        );
      }
      assertTransferable(folder, to, isMove);
      rights.note(`the folder ${folder.path} was ${isMove ? "moved" : "copied"} to ${to}`);
      const jobId = jobs.begin(isMove ? "MOVE_FOLDER" : "COPY_FOLDER", folder.endpoint, async (signal) => {
        await transferFolder(changes, folder, to, isMove, signal);
        return undefined;
      });
      return { body: { jobId } };
    };

  const rename: CallHandler = async (request, endpoints, rights) => {
    const { folderPath, newFolderName, purgeCache } = await bodyOf(request, renameBody);
    const name = nameOf(newFolderName, "newFolderName");
    const folder = await find(library.locationsOf(request.query, endpoints), folderPath, "folderPath");
    const { path } = folder;
    const to = join(path.slice(0, Math.max(0, path.lastIndexOf("/"))), name);
    if (await isFolder({ ...folder, path: to })) {
      return { status: 409, body: { message: "There is a folder with this name already.", help: HELP } };
    }
    assertTransferable(folder, to, true);
    rights.note(`the folder ${path} was renamed to ${to}`);
    const url = `${baseOf(folder.endpoint, request)}${encodePath(path)}/*`;
    const jobId = jobs.begin("RENAME_FOLDER", folder.endpoint, async (signal) => {
      await transferFolder(changes, folder, to, true, signal);
      return purgeCache ? await rights.purge({ url }).then(({ id }) => id, unlessRefused) : undefined;
    });
    return { body: { jobId } };
  };

  const status: CallHandler = ({ params: { id = "" } }, endpoints) => {
    const job = jobs.find(id);
    if (!job || !endpoints.some(({ tenant }) => tenant === job.tenant)) {
      throw new MediaError("ENOENT", "There is no bulk job with this id.");
    }
    const { tenant: _, ...body } = job;
    return { body };
  };

  const atRoot = { atRoot: true };
  const query = choiceQuery;
  manage("POST", FOLDER, limitedChange(create), {
    ...atRoot,
    describe: describeCall("Create a folder", {
      query,
      body: createBody,
      status: 201,
      response: z.object({}),
    }),
  });
  manage("DELETE", FOLDER, limitedChange(del), {
    ...atRoot,
    describe: describeCall("Delete a folder with its files", { query, body: deleteBody, status: 204 }),
  });
  const describe = (summary: string, body: z.ZodType) =>
    describeCall(summary, { query, body, response: jobStarted });
  manage("POST", `${JOBS}/copyFolder`, limitedChange(transfer(false)), {
    ...atRoot,
    describe: describe("Copy a folder into another one", copyBody),
  });
  manage("POST", `${JOBS}/moveFolder`, limitedChange(transfer(true)), {
    ...atRoot,
    describe: describe("Move a folder into another one", copyBody),
  });
  manage("POST", `${JOBS}/renameFolder`, limitedChange(rename), {
    ...atRoot,
    describe: describe("Rename a folder", renameBody),
  });
  manage("GET", `${JOBS}/:id`, status, {
    ...atRoot,
    role: "read",
    describe: describeCall("State of the copy, move or renaming of a folder", {
      response: jobSchema.omit({ tenant: true }),
    }),
  });
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** Ignores that the URL is too short to be purged: everything below it has been purged already. */
function unlessRefused(error: unknown): undefined {
  if (!["EINVAL", "EBUSY", "EFORBIDDEN"].includes(codeOf(error) ?? "")) throw error;
}

/** The folder of a path, at the first origin that has it. Throws `ENOENT` if none has. */
async function find(
  locations: readonly OriginLocation[],
  text: string,
  field: string,
): Promise<FileLocation> {
  const path = pathOf(text, field, { isFolder: true });
  if (path === "") throw new MediaError("EINVAL", `${field}: Expected a folder below the root`);
  const listable = locations.filter(({ storage }) => storage.listFolder);
  if (listable.length === 0) ability(locations[0] as OriginLocation, "listFolder", "list files");
  for (const location of listable) if (await isFolder({ ...location, path })) return { ...location, path };
  throw new MediaError("ENOENT", "The requested folder does not exist.");
}

/** An empty folder is known to its parent only. */
async function isFolder(folder: FileLocation): Promise<boolean> {
  for await (const _ of walk([folder], folder.path, false)) return true;
  const { path } = folder;
  const above = path.slice(0, Math.max(0, path.lastIndexOf("/")));
  for await (const { entry } of walk([folder], above, false)) {
    if (entry.kind === "folder" && entry.name === lastOf(path)) return true;
  }
  return false;
}

async function removeFolder(folder: FileLocation): Promise<void> {
  const { storage, path } = folder;
  if (storage.removeFolder) return storage.removeFolder(path);
  const remove = ability(folder, "remove", "delete files");
  for await (const file of ability(folder, "list", "list files")(`${path}/`)) await remove(file);
}

function assertTransferable(folder: FileLocation, to: string, isMove: boolean): void {
  rulesFor({ ...folder, path: to });
  ability(folder, "write", "write files");
  if (!isMove) return;
  rulesFor(folder);
  ability(folder, "remove", "delete files");
}

/** Files that are created meanwhile are not moved. Throws before it copies anything if a folder below is a symbolic link. */
async function transferFolder(
  changes: Changes,
  folder: FileLocation,
  to: string,
  isMove: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { storage, path: from } = folder;
  const target = (path: string) => to + path.slice(from.length);
  const files: FileLocation[] = [];
  const folders: string[] = [from];
  for await (const { entry, ...asset } of walk([folder], from, true, timed(signal))) {
    if (files.length + folders.length > MAX_ENTRIES) {
      throw new MediaError("ELIMIT", `Expected a folder with at most ${MAX_ENTRIES} files and folders`);
    }
    if (entry.isLink) {
      throw new MediaError("EFORBIDDEN", `Expected a folder without symbolic links such as ${asset.path}`);
    }
    if (entry.kind === "folder") folders.push(asset.path);
    else {
      assertType(asset.path, rulesFor({ ...folder, path: to }));
      files.push(asset);
    }
  }
  for (const path of folders) await storage.createFolder?.(target(path));
  await each(files, signal, (file) => changes.copyFile(file, target(file.path), timed(signal)));
  await changes.purgeFolder({ ...folder, path: to });
  if (!isMove) return;
  const remove = ability(folder, "remove", "delete files");
  await each(files, signal, ({ path }) => remove(path));
  if (await isWithoutFiles(folder)) await storage.removeFolder?.(from);
  await changes.purgeFolder(folder);
}

const timed = (signal: AbortSignal) => AbortSignal.any([signal, storageSignal(FILE_TIMEOUT_MS)]);

/** Hidden files count, too. */
async function isWithoutFiles(folder: FileLocation): Promise<boolean> {
  for await (const _ of ability(folder, "list", "list files")(`${folder.path}/`)) return false;
  return true;
}

/** Does work for each file, several at once. Ends at the first failure, or when the signal aborts. */
async function each(
  files: readonly FileLocation[],
  signal: AbortSignal,
  work: (file: FileLocation) => Promise<void>,
): Promise<void> {
  const remaining = files.values();
  const worker = async () => {
    for (const file of remaining) {
      signal.throwIfAborted();
      await work(file);
    }
  };
  await Promise.all(Array.from({ length: MAX_CONCURRENT_COPIES }, worker));
}
