import { type Endpoint, MediaError, type PluginApi, type RouteRequest } from "@mediatap/core";
import { type FolderEntry, NOT_MODIFIED, type Storage, type StorageEntry } from "@mediatap/core/storage";
import { z } from "zod";
import { checked } from "./objects.ts";

/** Timeouts in milliseconds of a storage call, and of the transfer of a file. */
const STORAGE_TIMEOUT_MS = 60_000;
export const FILE_TIMEOUT_MS = 600_000;

/** Entries that a call reads. */
export const MAX_ENTRIES = 100_000;
/** Entries of a folder per storage call. */
const MAX_PAGE_ENTRIES = 1_000;

const MB = 1024 * 1024;

/** Bytes of a segment of a path, as file systems have it, and of a path, as object stores have it. */
const MAX_SEGMENT_BYTES = 255;
const MAX_PATH_BYTES = 1024;

const rules = z.strictObject({
  /** Folders below which files may be changed; `"/"`: everywhere. */
  folders: z
    .array(z.string().transform((text) => pathOf(text, "folder", { isFolder: true })))
    .min(1)
    .default([""]),
  /** Bytes of an uploaded file. */
  maxBytes: z
    .int()
    .positive()
    .default(100 * MB),
  /** Media types that may be uploaded, by the file's extension: `image/png`, or `image/*` for all pictures. */
  types: z
    .array(
      z.string().regex(/^[\w.+-]+\/(?:\*|[\w.+-]+)$/, "Expected a media type such as image/png or image/*"),
    )
    .min(1)
    .optional(),
  /** Clients without a key may upload files, by forms that a server has signed for them. */
  clientUploads: z.boolean().default(false),
  /** Uploaded SVGs are sanitised before they are stored. */
  sanitizeSvg: z.boolean().default(false),
});

/** What may be changed of the files of an endpoint, as it is configured. */
export type ManageFilesOptions = z.input<typeof rules>;
export type ManageFiles = z.output<typeof rules>;

/** Schema of the field `manageFiles` of endpoints; `true` stands for the defaults. */
export const manageFiles = z
  .union([z.boolean(), rules])
  .transform((value) => (value === true ? rules.parse({}) : value))
  .optional();

/** A name or path in the body of a call. */
export const textLike = (...examples: string[]) =>
  z
    .string()
    .min(1)
    .max(2_000)
    .meta(examples.length > 0 ? { examples } : {});

/** An origin of an endpoint. */
export interface OriginLocation {
  readonly endpoint: Endpoint;
  /** Its name behind its tenant's. */
  readonly origin: string;
  readonly storage: Storage;
}

/** A file, existing or not. */
export interface FileLocation extends OriginLocation {
  readonly path: string;
}

/** An entry of a folder with its location. */
export interface Asset extends FileLocation {
  readonly entry: FolderEntry;
}

/** The files of an account: those that the origins of its endpoints contain. */
export type Library = ReturnType<typeof createLibrary>;

/** Query parameters of calls about files of a path. */
export const choiceQuery = z.object({
  /** Id of the URL endpoint whose origins are meant. */
  endpoint: z.string().max(100).optional(),
  /** Id of the only origin that is meant. */
  origin: z.string().max(100).optional(),
});

export function createLibrary({ origins }: Pick<PluginApi, "origins">) {
  const locationOf = (endpoint: Endpoint, origin: string): OriginLocation => {
    return { endpoint, origin, storage: origins.storage(origin) };
  };

  /** The origins of the URL endpoint of a call, in the order in which files are searched. */
  function locationsOf(query: URLSearchParams, endpoints: readonly Endpoint[]): OriginLocation[] {
    const { endpoint: id, origin } = checked(choiceQuery, Object.fromEntries(query));
    const endpoint =
      id === undefined
        ? (endpoints.find(({ name }) => name === "default") ?? endpoints[0])
        : endpoints.find(({ name }) => name === id);
    if (!endpoint) throw new MediaError("ENOENT", "There is no URL endpoint with this id.");
    const names = originNamesOf(endpoint).filter(
      (name) => origin === undefined || shortName(name) === origin,
    );
    if (names.length === 0) throw new MediaError("ENOENT", "The URL endpoint has no origin with this id.");
    return names.map((name) => locationOf(endpoint, name));
  }

  /** The file of an id. Throws `ENOENT` if it does not belong to these endpoints. */
  function byId(id: string, endpoints: readonly Endpoint[]): FileLocation {
    const [origin, path] = parseId(id) ?? [];
    const matching = endpoints.filter((one) => origin !== undefined && originNamesOf(one).includes(origin));
    const [endpoint] = matching.toSorted((a, b) => rank(a, path) - rank(b, path));
    if (!endpoint || origin === undefined || path === undefined) throw noFile();
    return { ...locationOf(endpoint, origin), path };
  }

  return { locationsOf, byId };
}

/** Endpoints that allow changes of a file come first, then the default one. */
function rank({ name, fields }: Endpoint, path = ""): number {
  return (allows(fieldOf(fields), path) ? 0 : 2) + (name === "default" ? 0 : 1);
}

function originNamesOf({ library, origins }: Endpoint): string[] {
  return [...new Set([...(library === undefined ? [] : [library]), ...origins])];
}

/** The name of an origin within its account. */
export const shortName = (origin: string): string => origin.slice(origin.indexOf("/") + 1);

/** An id of a file that contains its location; it is no secret. */
export function idOfFile({ origin, path }: Pick<FileLocation, "origin" | "path">): string {
  return Buffer.from(JSON.stringify([origin, path])).toString("base64url");
}

function parseId(id: string): [origin: string, path: string] | undefined {
  try {
    const parts = JSON.parse(Buffer.from(id, "base64url").toString()) as unknown[];
    if (!Array.isArray(parts) || parts.length !== 2) return undefined;
    const [origin, path] = parts;
    if (typeof origin !== "string" || typeof path !== "string") return undefined;
    return [origin, pathOf(path, "fileId")];
  } catch {
    return undefined;
  }
}

/** The file of a path, at the first origin that has it. */
export async function findFile(locations: readonly OriginLocation[], path: string): Promise<FileLocation> {
  for (const location of locations) {
    if (location.storage.urls) continue;
    if (await exists({ ...location, path })) return { ...location, path };
  }
  throw noFile();
}

export const noFile = () => new MediaError("ENOENT", "The requested file does not exist.");

/** The metadata of a file; `undefined`: it does not exist. */
export async function metadataOf({ storage, path }: FileLocation): Promise<StorageEntry | undefined> {
  const entry = await storage.open(path, { head: true, signal: storageSignal() });
  if (entry === undefined || entry === NOT_MODIFIED) return undefined;
  await entry.close?.();
  return entry;
}

export async function exists(file: FileLocation): Promise<boolean> {
  return (await metadataOf(file)) !== undefined;
}

/** A signal with the timeout of storage calls. */
export const storageSignal = (timeout = STORAGE_TIMEOUT_MS): AbortSignal => AbortSignal.timeout(timeout);

/**
 * A path for storages, from one with or without a slash at the beginning and at the end of a folder's. Throws `EINVAL` for
 * one that could lead elsewhere.
 */
export function pathOf(text: string, field: string, { isFolder = false } = {}): string {
  const path = text.replace(/^\//, "").replace(isFolder ? /\/$/ : /$^/, "");
  if (isFolder && path === "") return path;
  const isPlain = path.split("/").every(isSegment) && Buffer.byteLength(path) <= MAX_PATH_BYTES;
  if (!isPlain) {
    const what = isFolder ? "folder" : "file";
    throw new MediaError(
      "EINVAL",
      `${field}: Expected the path of a ${what} without empty, . and .. segments`,
    );
  }
  return path;
}

/** Whether a text can be a segment of a path in every storage. Hidden files are none of a library. */
function isSegment(text: string): boolean {
  const isName = text !== "" && !text.startsWith(".") && text.isWellFormed() && !/[\\\p{Cc}]/u.test(text);
  return isName && Buffer.byteLength(text) <= MAX_SEGMENT_BYTES;
}

/**
 * The name of a new file or folder: what the service does not allow is replaced by an underscore. Throws `EINVAL` for what looks like
 * a path, or is hidden.
 */
export function nameOf(text: string, field: string): string {
  const name = text.replace(/[^\p{L}\p{M}\p{N}._/\\\p{Cc}-]/gu, "_");
  if (name.includes("/") || !isSegment(name)) {
    throw new MediaError(
      "EINVAL",
      `${field}: Expected a name without slashes that does not begin with a dot`,
    );
  }
  return name;
}

export function join(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}

/** The rules of the endpoint of a location. Throws `EFORBIDDEN` if its files must not be changed. */
export function rulesOf({ endpoint }: OriginLocation): ManageFiles {
  const own = fieldOf(endpoint.fields);
  if (own) return own;
  const text =
    "The files of this URL endpoint cannot be changed: its configuration does not set manageFiles.";
  throw new MediaError("EFORBIDDEN", text);
}

/** The rules of the endpoint of a file. Throws `EFORBIDDEN` if this file must not be changed. */
export function rulesFor(file: FileLocation): ManageFiles {
  const own = rulesOf(file);
  if (allows(own, file.path)) return own;
  throw new MediaError("EFORBIDDEN", "The configuration does not allow changes of files in this folder.");
}

/** The rules in the fields of an endpoint. */
export const rulesIn = (fields: Endpoint["fields"]): ManageFiles | undefined => fieldOf(fields) || undefined;

/** The parsed field. */
function fieldOf({ manageFiles }: Endpoint["fields"]): ManageFiles | false | undefined {
  return manageFiles as ManageFiles | false | undefined;
}

function allows(own: ManageFiles | false | undefined, path: string): boolean {
  if (!own) return false;
  return own.folders.some((folder) => folder === "" || path === folder || path.startsWith(`${folder}/`));
}

/** A method of a storage. Throws `EUNSUPPORTED` with status 501 if the storage lacks it; `what`: what it cannot do. */
export function ability<K extends "write" | "remove" | "listFolder" | "list" | "createFolder">(
  { storage, origin }: OriginLocation,
  name: K,
  what: string,
): NonNullable<Storage[K]> {
  const method = storage[name];
  if (method) return method.bind(storage) as NonNullable<Storage[K]>;
  throw cannot(origin, what);
}

export function cannot(origin: string, what: string): MediaError {
  const text = `The storage of the origin ${shortName(origin)} cannot ${what}.`;
  return new MediaError("EUNSUPPORTED", text, { status: 501 });
}

/** The entries of the origins in a folder, and below it. If several have one path, the first counts, as for requests. */
export async function* walk(
  locations: readonly OriginLocation[],
  folder: string,
  isDeep: boolean,
  signal = storageSignal(),
): AsyncGenerator<Asset> {
  const seen = new Set<string>();
  const folders = [folder];
  for (let at = 0; at < folders.length; at++) {
    const above = folders[at] as string;
    for (const location of locations) {
      const listFolder = ability(location, "listFolder", "list files");
      let cursor: string | undefined;
      do {
        const page = await listFolder(above, {
          limit: MAX_PAGE_ENTRIES,
          ...(cursor !== undefined && { cursor }),
          signal,
        });
        for (const entry of page.entries) {
          const path = join(above, entry.name);
          const id = `${entry.kind} ${path}`;
          if (entry.name.startsWith(".") || (locations.length > 1 && seen.has(id))) continue;
          if (locations.length > 1) seen.add(id);
          // A link to a folder above never ends.
          const isShort = Buffer.byteLength(path) <= MAX_PATH_BYTES;
          if (isDeep && isShort && entry.kind === "folder") folders.push(path);
          yield { ...location, path, entry };
        }
        cursor = page.next;
      } while (cursor !== undefined);
    }
  }
}

/** Scheme, host and the beginning of the path of an endpoint's files, with a slash at the end. */
export function baseOf({ address }: Endpoint, request: RouteRequest): string {
  const scheme = request.isSecure ? "https" : "http";
  return `${scheme}://${address.host ?? request.header("host") ?? "localhost"}/${encodePath(address.path)}`;
}

/** A path as it is written in URLs. */
export const encodePath = (path: string): string => path.split("/").map(encodeURIComponent).join("/");
