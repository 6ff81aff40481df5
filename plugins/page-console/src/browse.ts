import { json } from "node:stream/consumers";
import {
  type Endpoint,
  isMediaError,
  type Job,
  MediaError,
  type PluginApi,
  type RouteReply,
  type RouteRequest,
  type Step,
  typeOfName,
} from "@mediatap/core";
import {
  type FolderEntry,
  listedOrigins,
  listOrigins,
  NOT_MODIFIED,
  type Storage,
} from "@mediatap/core/storage";
import { replyOf } from "./inspect.ts";
import type { Session } from "./session.ts";

/** Entries on a page. */
const PAGE_ENTRIES = 60;

const ANSWER_TIMEOUT_MS = 120_000;

/** Pixels of the longest side of a thumbnail. */
const MAX_THUMBNAIL = 1600;
const THUMBNAIL_QUALITY = 75;

/** Documents of which an image can be rendered. */
const DRAWN = /^(?:application\/pdf|image\/)/;

/** An entry of a folder as the page shows it. */
interface Item extends Pick<FolderEntry, "size" | "lastModified" | "private"> {
  readonly name: string;
  readonly kind: "folder" | Job["media"];
  /** Origin that has it. */
  readonly origin: string;
  /** Its URL without a transformation, absolute if the endpoint has a host name. Left out: no URL leads to it. */
  readonly url?: string;
  /** An image of it can be rendered. */
  readonly isDrawn?: boolean;
}

type Api = Pick<PluginApi, "jobs" | "origins" | "limitsOf" | "logger">;

/** The calls of the page Browse. */
export function createBrowse({ jobs, origins, limitsOf, logger }: Api) {
  /** A page of a folder of an endpoint: what each of its origins has. */
  async function folder({ query, header }: RouteRequest, session: Session) {
    const endpoint = endpointOf(query, session);
    const path = folderOf(query.get("path") ?? "");
    const cursor = query.get("cursor");
    const names = [...new Set([endpoint.library, ...endpoint.origins].filter((name) => name !== undefined))];
    const listed = listedOrigins(names, origins.storage);
    const signal = AbortSignal.timeout(limitsOf(endpoint.tenant).request);
    const problems: { origin: string; message: string }[] = [];
    const host = header("host") ?? "";
    const { entries: items, next } = await listOrigins<Item>(listed, path, {
      limit: PAGE_ENTRIES,
      signal,
      ...(cursor !== null && { cursor }),
      async keep(entries, { name, storage }) {
        const shown = await shownOf(entries, { path, storage, signal, session });
        const at = { endpoint, path, origin: shortName(name), host };
        return await Promise.all(shown.map((entry) => itemOf(entry, at)));
      },
      onFailure(error, origin) {
        logger.warn({ err: error, origin }, "listing the folder of an origin failed");
        const message = isMediaError(error) ? error.message : "The origin failed";
        problems.push({ origin: shortName(origin), message });
      },
    });
    return {
      path,
      items,
      ...(next !== undefined && { next }),
      problems,
      listed: listed.map(({ name }) => shortName(name)),
      unlisted: names.filter((name) => listed.every((one) => one.name !== name)).map(shortName),
    };
  }

  /** Who is only on this machine need not be somebody who may see private files; one that cannot be asked counts as such. */
  async function shownOf(
    entries: readonly FolderEntry[],
    {
      path,
      storage,
      signal,
      session,
    }: { path: string; storage: Storage; signal: AbortSignal; session: Session },
  ): Promise<readonly FolderEntry[]> {
    if (session.isSignedIn) return entries;
    const isPrivate = async ({ kind, name, private: known }: FolderEntry) => {
      if (kind === "folder") return false;
      if (known !== undefined) return known;
      const found = await storage.open(join(path, name), { head: true, signal }).catch(() => undefined);
      if (found === undefined || found === NOT_MODIFIED) return true;
      await found.close?.();
      return found.private === true;
    };
    const isPrivateList = await Promise.all(entries.map(isPrivate));
    return entries.filter((_, at) => !isPrivateList[at]);
  }

  async function itemOf(
    { name, kind, ...metadata }: FolderEntry,
    { endpoint, path, origin, host }: { endpoint: Endpoint; path: string; origin: string; host: string },
  ): Promise<Item> {
    if (kind === "folder") return { name, kind, origin };
    const fullPath = join(path, name);
    const url = urlOf(endpoint, fullPath);
    const job = await jobs.resolve(url, { host }).catch(() => undefined);
    const isThere =
      job?.asset.path === fullPath &&
      job.asset.endpoint === endpoint.name &&
      job.transformation.steps.length === 0;
    if (!job || !isThere) return { name, kind: "file", origin, ...metadata };
    const isDrawn = job.media !== "file" || DRAWN.test(typeOfName(name) ?? "");
    return { name, kind: job.media, origin, url, ...(isDrawn && { isDrawn }), ...metadata };
  }

  /** An image of a file, in the size that the page wants. */
  async function thumbnail(request: RouteRequest, session: Session): Promise<RouteReply> {
    const width = Number(request.query.get("width"));
    if (!Number.isInteger(width) || width < 1 || width > MAX_THUMBNAIL)
      throw new MediaError("EINVAL", `Expected an integer from 1 to ${MAX_THUMBNAIL} for width`);
    const job = await fileOf(request, session);
    const resize: Step = { op: "resize", width, height: width, fit: "inside", enlarge: false };
    const steps: Step[] = job.media === "video" ? [{ op: "frame", page: 1, time: 0 }, resize] : [resize];
    const output = { format: "webp", quality: THUMBNAIL_QUALITY } as const;
    return await replyOf(await renditionOf({ ...job, transformation: { steps, output } }, session));
  }

  /** What is known of a file without its pixels. */
  async function about(request: RouteRequest, session: Session): Promise<unknown> {
    const job = await fileOf(request, session);
    const transformation = { steps: [], output: { info: {} } };
    const { body, record } = await renditionOf({ ...job, transformation }, session);
    try {
      if (!body || record.format !== "json")
        throw new MediaError("EUNSUPPORTED", "No plugin of this server describes files");
      return await json(await body.stream());
    } finally {
      await body?.close?.();
    }
  }

  /** The job for the file of a URL, as it is. */
  async function fileOf({ query, header }: RouteRequest, { endpoints }: Session): Promise<Job> {
    const url = query.get("url");
    if (!url) throw new MediaError("EINVAL", "Expected a URL for url");
    const { asset, language, media } = await jobs.resolve(url, { host: header("host") ?? "" });
    if (!endpoints.some(({ tenant, name }) => tenant === asset.tenant && name === asset.endpoint))
      throw new MediaError("EFORBIDDEN", "This URL leads to an endpoint of another account");
    const transformation = { steps: [], output: {} };
    return { asset, language, media, accept: "basic", query: [], delivery: {}, transformation };
  }

  function renditionOf(job: Job, { isSignedIn }: Session) {
    return jobs.obtain(job, { signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS), trusted: isSignedIn });
  }

  return { folder, thumbnail, about };
}

/** The endpoint that is browsed. Throws `EFORBIDDEN` for one whose files the session may not see. */
function endpointOf(query: URLSearchParams, { endpoints, isSignedIn }: Session): Endpoint {
  const [tenant, name] = [query.get("tenant") ?? "", query.get("endpoint") ?? "default"];
  const endpoint = endpoints.find((one) => one.tenant === tenant && one.name === name);
  if (!endpoint) throw new MediaError("ENOENT", "There is no such endpoint");
  if (isSignedIn || endpoint.restrictUnsigned === "none") return endpoint;
  throw new MediaError(
    "EFORBIDDEN",
    "Sign in with a private key to browse an endpoint that serves signed URLs",
  );
}

/** The path of a folder as storages take it. */
function folderOf(text: string): string {
  const path = text.replace(/^\/|\/$/g, "");
  const isPlain =
    path === "" ||
    path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !/\p{Cc}/u.test(part));
  if (!isPlain) throw new MediaError("EINVAL", "Expected the path of a folder for path");
  return path;
}

const join = (folder: string, name: string) => (folder === "" ? name : `${folder}/${name}`);

function urlOf({ address: { host, path: start } }: Endpoint, path: string): string {
  const encoded = `/${start}${path}`.split("/").map(encodeURIComponent).join("/");
  return host === undefined ? encoded : `http://${host}${encoded}`;
}

/** The name of an origin without that of its tenant. */
const shortName = (name: string) => name.slice(name.indexOf("/") + 1);
