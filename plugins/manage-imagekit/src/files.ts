import { type CallHandler, type Endpoint, isMediaError, MediaError, type PluginApi } from "@mediatap/core";
import { describeCall } from "@mediatap/core/state";
import { z } from "zod";
import { type Content, fileOf, fileSchema, folderOf, folderSchema, isImage, isMedia } from "./assets.ts";
import { createChanges } from "./file-changes.ts";
import {
  type Asset,
  ability,
  baseOf,
  choiceQuery,
  createLibrary,
  encodePath,
  type FileLocation,
  findFile,
  join,
  type Library,
  MAX_ENTRIES,
  metadataOf,
  nameOf,
  noFile,
  type OriginLocation,
  pathOf,
  rulesFor,
  textLike,
  walk,
} from "./library.ts";
import { createDescribe, type Describe, metadataSchema } from "./metadata.ts";
import { bodyOf, checked } from "./objects.ts";
import { HELP, limitedChange } from "./rate.ts";
import { parseSearch } from "./search.ts";

const FILES = "/v1/files";

/** Entries in a response. */
const MAX_LIMIT = 1_000;
/** Files that the audit log names. */
const MAX_NOTED = 10;
/** Files that one call deletes. */
const MAX_DELETED = 100;

const count = z.coerce.number().int().min(0);

const listQuery = z.object({
  type: z.enum(["file", "file-version", "folder", "all"]).default("file"),
  searchQuery: z.string().optional(),
  path: z
    .string()
    .optional()
    .meta({ examples: ["/"] }),
  fileType: z.enum(["all", "image", "non-image"]).default("all"),
  sort: z
    .enum(
      ["NAME", "CREATED", "UPDATED", "SIZE", "HEIGHT", "WIDTH", "RELEVANCE"].flatMap((field) => [
        `ASC_${field}`,
        `DESC_${field}`,
      ]),
    )
    .optional(),
  skip: count.max(MAX_ENTRIES).default(0),
  limit: count.min(1).max(MAX_LIMIT).default(MAX_LIMIT),
});

const moved = z.object({
  sourceFilePath: textLike("/dogs.jpg"),
  destinationPath: textLike("/animals/"),
});
const copied = moved.extend({ includeFileVersions: z.boolean().optional() });
const renamed = z.object({
  filePath: textLike("/dogs.jpg"),
  newFileName: textLike("cats.jpg"),
  purgeCache: z.boolean().default(false),
});
const deleted = z.object({ fileIds: z.array(textLike()).min(1).max(MAX_DELETED) });
const renamedResponse = z.object({ purgeRequestId: z.string().optional() });
const deletedResponse = z.object({ successfullyDeletedFileIds: z.array(z.string()) });

/** Adds the calls of `assets` and `files`, but for uploads. */
export function addFiles(api: Pick<PluginApi, "manage" | "origins" | "jobs" | "purge">): void {
  const { manage, jobs } = api;
  const library = createLibrary(api);
  const changes = createChanges(api);
  const describe = createDescribe(jobs);

  const list: CallHandler = async (request, endpoints) => {
    const query = checked(listQuery, Object.fromEntries(request.query));
    const locations = library.locationsOf(request.query, endpoints);
    const assets = query.type === "file-version" ? [] : await assetsOf(locations, query);
    const items = assets.map((asset) =>
      asset.entry.kind === "folder" ? folderOf(asset) : fileOf(asset, request, asset.entry),
    );
    return { body: items };
  };

  const get: CallHandler = async (request, endpoints) => {
    const file = library.byId(request.params.id ?? "", endpoints);
    const metadata = await metadataOf(file);
    if (!metadata) throw noFile();
    const more = isMedia(file.path) ? await describedBy(describe, file) : {};
    return { body: { ...fileOf(file, request, metadata), ...more } };
  };

  const metadata: CallHandler = async (request, endpoints) => {
    const file = library.byId(request.params.id ?? "", endpoints);
    if (!(await metadataOf(file))) throw noFile();
    return { body: await describe(jobOf(file), file.endpoint) };
  };

  const del: CallHandler = async (request, endpoints, rights) => {
    const file = await changeable(library, request.params.id ?? "", endpoints);
    await changes.remove(file);
    rights.note(`the file ${file.path} was deleted`);
    return { status: 204, body: undefined };
  };

  const deleteMany: CallHandler = async (request, endpoints, rights) => {
    const { fileIds } = await bodyOf(request, deleted);
    const files: FileLocation[] = [];
    const missingFileIds: string[] = [];
    for (const id of new Set(fileIds)) {
      try {
        files.push(await changeable(library, id, endpoints));
      } catch (error) {
        if (!isMediaError(error) || error.code !== "ENOENT") throw error;
        missingFileIds.push(id);
      }
    }
    if (missingFileIds.length > 0) {
      const message = "The requested file(s) does not exist.";
      return { status: 404, body: { message, help: HELP, missingFileIds } };
    }
    for (const file of files) await changes.remove(file);
    const paths = files.slice(0, MAX_NOTED).map(({ path }) => path);
    rights.note(
      `${files.length} files were deleted: ${paths.join(", ")}${files.length > MAX_NOTED ? " …" : ""}`,
    );
    return { body: { successfullyDeletedFileIds: [...new Set(fileIds)] } };
  };

  const copyOrMove =
    (isMove: boolean): CallHandler =>
    async (request, endpoints, rights) => {
      const { sourceFilePath, destinationPath } = await bodyOf(request, isMove ? moved : copied);
      const path = pathOf(sourceFilePath, "sourceFilePath");
      const folder = pathOf(destinationPath, "destinationPath", { isFolder: true });
      const source = await findFile(library.locationsOf(request.query, endpoints), path);
      const to = join(folder, path.slice(path.lastIndexOf("/") + 1));
      await changes.copy(source, to, { isMove });
      rights.note(`the file ${path} was ${isMove ? "moved" : "copied"} to ${to}`);
      return { status: 204, body: undefined };
    };

  const rename: CallHandler = async (request, endpoints, rights) => {
    const { filePath, newFileName, purgeCache } = await bodyOf(request, renamed);
    const path = pathOf(filePath, "filePath");
    const folder = path.slice(0, Math.max(0, path.lastIndexOf("/")));
    const to = join(folder, nameOf(newFileName, "newFileName"));
    const source = await findFile(library.locationsOf(request.query, endpoints), path);
    if (to === path) return { body: {} };
    if (await metadataOf({ ...source, path: to })) {
      const message = "There is a file with this name already.";
      return { status: 409, body: { message, help: HELP } };
    }
    await changes.copy(source, to, { isMove: true, isNew: true });
    rights.note(`the file ${path} was renamed to ${to}`);
    if (!purgeCache) return { body: {} };
    const { id } = await rights.purge({ url: baseOf(source.endpoint, request) + encodePath(path) });
    return { body: { purgeRequestId: id } };
  };

  const atRoot = { atRoot: true };
  const reading = { ...atRoot, role: "read" } as const;
  manage("GET", FILES, list, {
    ...reading,
    describe: describeCall("List and search files and folders", {
      query: listQuery.extend(choiceQuery.shape),
      response: z.array(z.discriminatedUnion("type", [fileSchema, folderSchema])),
    }),
  });
  manage("GET", `${FILES}/:id/details`, get, {
    ...reading,
    describe: describeCall("Read a file's description", { response: fileSchema }),
  });
  manage("GET", `${FILES}/:id/metadata`, metadata, {
    ...reading,
    describe: describeCall("Read a file's metadata", { response: metadataSchema }),
  });
  manage("DELETE", `${FILES}/:id`, limitedChange(del), {
    ...atRoot,
    describe: describeCall("Delete a file", { status: 204 }),
  });
  manage("POST", `${FILES}/batch/deleteByFileIds`, limitedChange(deleteMany), {
    ...atRoot,
    describe: describeCall("Delete files", { body: deleted, response: deletedResponse }),
  });
  const query = choiceQuery;
  manage("POST", `${FILES}/copy`, limitedChange(copyOrMove(false)), {
    ...atRoot,
    describe: describeCall("Copy a file into a folder", { query, body: copied, status: 204 }),
  });
  manage("POST", `${FILES}/move`, limitedChange(copyOrMove(true)), {
    ...atRoot,
    describe: describeCall("Move a file into a folder", { query, body: moved, status: 204 }),
  });
  manage("PUT", `${FILES}/rename`, limitedChange(rename), {
    ...atRoot,
    describe: describeCall("Rename a file", { query, body: renamed, response: renamedResponse }),
  });
}

/** An existing file that can be changed. */
async function changeable(
  library: Library,
  id: string,
  endpoints: readonly Endpoint[],
): Promise<FileLocation> {
  const file = library.byId(id, endpoints);
  rulesFor(file);
  if (!(await metadataOf(file))) throw noFile();
  return file;
}

/** A job for a file without operations. */
export const jobOf = ({ endpoint, path }: FileLocation) => ({
  asset: { tenant: endpoint.tenant, endpoint: endpoint.name, kind: "path" as const, path },
  accept: "basic" as const,
  query: [],
  language: endpoint.languages[0] ?? "",
  media: isImage(path) ? ("image" as const) : ("video" as const),
});

/** The fields that describe the content of a file; none if it cannot be read. */
export async function describedBy(describe: Describe, file: FileLocation): Promise<Content> {
  try {
    const description = await describe(jobOf(file), file.endpoint);
    const { width, height, hasTransparency, duration, bitRate, videoCodec, audioCodec } = description;
    const fields = { width, height, duration, bitRate, videoCodec, audioCodec };
    const known = Object.entries(fields).filter(([, value]) => value !== undefined);
    return { ...Object.fromEntries(known), ...(isImage(file.path) && { hasAlpha: hasTransparency }) };
  } catch (error) {
    if (isMediaError(error) && error.status < 500) return {};
    throw error;
  }
}

/** The requested part of a listing. */
async function assetsOf(
  locations: readonly OriginLocation[],
  { type, searchQuery, path, fileType, sort, skip, limit }: z.output<typeof listQuery>,
): Promise<readonly Asset[]> {
  const search = searchQuery === undefined ? undefined : parseSearch(searchQuery);
  const compare = sort === undefined ? undefined : comparisonOf(sort);
  const isWanted = ({ entry }: Asset) => {
    const isKind = search
      ? entry.kind === "file" || /\btype\b/.test(searchQuery ?? "")
      : type === "all" || entry.kind === type;
    const isType =
      fileType === "all" || (entry.kind === "file" && isImage(entry.name) === (fileType === "image"));
    return isKind && isType;
  };
  const { folder, isDeep } =
    path === undefined
      ? (search?.within ?? { folder: "", isDeep: true })
      : { folder: pathOf(path, "path", { isFolder: true }), isDeep: false };
  const listable = locations.filter(({ storage }) => storage.listFolder);
  const [first] = locations;
  if (listable.length === 0 && first) ability(first, "listFolder", "list files");
  const matches: Asset[] = [];
  let entries = 0;
  for await (const asset of walk(listable, folder, isDeep)) {
    if (++entries > MAX_ENTRIES) {
      throw new MediaError("ELIMIT", `Expected a path with at most ${MAX_ENTRIES} files and folders`);
    }
    if (!isWanted(asset) || (search && !search.matches(asset))) continue;
    matches.push(asset);
    if (!compare && matches.length >= skip + limit) break;
  }
  if (compare) matches.sort(compare);
  return matches.slice(skip, skip + limit);
}

const collator = new Intl.Collator("en", { numeric: true });

/** Throws `EUNSUPPORTED` for an order by a field that a listing does not contain. */
function comparisonOf(sort: string): (a: Asset, b: Asset) => number {
  const [direction, field] = sort.split("_");
  const sign = direction === "ASC" ? 1 : -1;
  const byName = (a: Asset, b: Asset) => collator.compare(a.entry.name, b.entry.name);
  if (field === "NAME") return (a, b) => sign * byName(a, b);
  if (field === "RELEVANCE") return byName;
  if (field === "WIDTH" || field === "HEIGHT") {
    const message = "Files cannot be sorted by width or height: a listing does not contain them.";
    throw new MediaError("EUNSUPPORTED", message, { status: 501 });
  }
  const of = ({ entry }: Asset) => (field === "SIZE" ? entry.size : entry.lastModified) ?? 0;
  return (a, b) => sign * (of(a) - of(b)) || byName(a, b);
}
