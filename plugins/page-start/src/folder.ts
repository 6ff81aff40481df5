import {
  type Endpoint,
  isLocal,
  isMediaError,
  type Job,
  MediaError,
  type PluginApi,
  type RouteReply,
  type RouteRequest,
  type RuntimeInfo,
} from "@mediatap/core";
import {
  type FolderEntry,
  type ListedOrigin,
  listedOrigins,
  listOrigins,
  NOT_MODIFIED,
  type Storage,
} from "@mediatap/core/storage";

/** Entries on a page. */
const PAGE_ENTRIES = 100;
/** Files whose metadata is asked for at once. */
const MAX_HEADS = 10;
/** Endpoints that the page offers. */
const MAX_ENDPOINTS = 50;
/** A file that need not exist: by its URL the language reveals the folder, by its asset the endpoint. */
const PICTURE = "mediatap.jpg";
const VIDEO = "mediatap.mp4";

/** What the page shows of a file or folder. */
interface Item {
  readonly name: string;
  readonly kind: "folder" | Job["media"];
  /** Path of its URL; a folder's ends in a slash. */
  readonly url: string;
  readonly size?: number;
  readonly lastModified?: number;
  /** The endpoint makes no thumbnail of it for a URL without signature. */
  readonly plain?: true;
}

/** Where a URL of a folder leads to. */
interface Location {
  readonly endpoint: Endpoint;
  /** Path at the origins; `""`: all of them. */
  readonly folder: string;
  /** The part of the URL that belongs to the endpoint. */
  readonly mount: string;
}

type Api = Pick<PluginApi, "jobs" | "origins" | "limitsOf" | "logger">;

/**
 * The route that lists a folder, `url`, as far as its endpoint serves it without a signature: each file is judged by the rules of
 * the endpoint as a request for it would be, private ones are left out. Only for this machine and its network.
 */
export function createFolderRoute(api: Api, current: () => RuntimeInfo | undefined) {
  return async (request: RouteRequest): Promise<RouteReply> => {
    if (!isLocal(request)) {
      const text = "Files are listed at localhost and in the local network only";
      return json(403, { code: "EFORBIDDEN", message: text });
    }
    const client = { host: request.header("host") ?? "", ip: request.ip, headers: headersOf(request) };
    try {
      return json(200, await list(client, request.query.get("url") ?? "/", request.query.get("cursor")));
    } catch (error) {
      if (!isMediaError(error) || error.status >= 500) throw error;
      return json(error.status, { code: error.code, message: error.message });
    }
  };

  async function list(client: Client, url: string, cursor: string | null) {
    if (!/^\/(?:[^/?#]+\/)*$/.test(url)) throw new MediaError("EINVAL", "Expected the URL of a folder");
    const endpoints = await endpointsAt(client);
    const location = await locate(client, url);
    if (!location) return { url, endpoints, refusal: { code: "ENOENT" }, items: [] };
    const { endpoint, mount } = location;
    const refusal = await refusalOf(client, url);
    const about = { url, mount, endpoint: endpoint.name, endpoints };
    // What no URL without a signature shows is not named, either.
    if (refusal) return { ...about, refusal, items: [] };

    const origins = [
      ...new Set([endpoint.library, ...endpoint.origins].filter((name) => name !== undefined)),
    ];
    const listed = listedOrigins(origins, api.origins.storage);
    const { items, next, problems } = await pageOf(client, location, url, listed, cursor);
    return {
      ...about,
      items,
      ...(next !== undefined && { next }),
      problems,
      labels: listed.map(({ storage: { label }, name }) => label ?? name),
      unlisted: origins.filter((name) => listed.every((one) => one.name !== name)).map(shortName),
    };
  }

  /** Where a folder's URL leads to, as the endpoint's language reads it. */
  async function locate(client: Client, url: string): Promise<Location | undefined> {
    const job = await api.jobs
      .resolve(`http://${client.host}${url}${PICTURE}`, client.headers)
      .catch(unlessClients);
    if (!job || !`/${job.asset.path}`.endsWith(`/${PICTURE}`) || job.asset.kind !== "path") return undefined;
    const { tenant, endpoint: name } = job.asset;
    const endpoint = current()?.endpoints.find((one) => one.tenant === tenant && one.name === name);
    if (!endpoint) return undefined;
    const folder = job.asset.path.slice(0, -PICTURE.length - 1);
    const depth = folder === "" ? 0 : folder.split("/").length;
    const mount = `/${url
      .split("/")
      .slice(1, -1 - depth)
      .map((segment) => `${segment}/`)
      .join("")}`;
    return { endpoint, folder, mount };
  }

  /** Why nothing in a folder is served without a signature; `undefined` if pictures or videos are. */
  async function refusalOf(client: Client, url: string): Promise<{ code: string } | undefined> {
    const refusals = await Promise.all([PICTURE, VIDEO].map((name) => refusalTo(client, `${url}${name}`)));
    return refusals.every((refusal) => refusal !== undefined) ? refusals[0] : undefined;
  }

  async function refusalTo(client: Client, url: string): Promise<{ code: string } | undefined> {
    try {
      await api.jobs.admit(`http://${client.host}${url}`, client.headers, client.ip);
    } catch (error) {
      if (isMediaError(error)) return { code: error.code };
      throw error;
    }
  }

  /** One page, from the origins one after the other. */
  async function pageOf(
    client: Client,
    location: Location,
    url: string,
    origins: readonly ListedOrigin[],
    cursor: string | null,
  ) {
    const signal = AbortSignal.timeout(api.limitsOf(location.endpoint.tenant).request);
    const problems: { origin: string; message: string }[] = [];
    const { entries: items, next } = await listOrigins<Item>(origins, location.folder, {
      limit: PAGE_ENTRIES,
      signal,
      ...(cursor !== null && { cursor }),
      keep: (entries, { storage }) => allowed(client, location, url, { storage, entries, signal }),
      onFailure(error, origin) {
        api.logger.warn({ err: error, origin }, "listing the folder of an origin failed");
        const message = isMediaError(error) ? error.message : "The origin failed";
        problems.push({ origin: shortName(origin), message });
      },
    });
    return { items, next, problems };
  }

  /** The entries that a request without signature is served. */
  async function allowed(
    client: Client,
    location: Location,
    url: string,
    { storage, entries, signal }: { storage: Storage; entries: readonly FolderEntry[]; signal: AbortSignal },
  ): Promise<Item[]> {
    const items: (Item | undefined)[] = [];
    let next = 0;
    const work = async () => {
      while (next < entries.length) {
        const at = next++;
        const entry = entries[at] as FolderEntry;
        items[at] = await itemOf(client, location, url, entry);
        if (items[at] && (await isPrivate(storage, location, entry, signal))) items[at] = undefined;
      }
    };
    await Promise.all(Array.from({ length: MAX_HEADS }, work));
    return items.filter((item) => item !== undefined);
  }

  /** An entry as its URL shows it; `undefined` where the URL is refused, or leads elsewhere. */
  async function itemOf(
    client: Client,
    { endpoint, folder, mount }: Location,
    url: string,
    { name, kind, size, lastModified }: FolderEntry,
  ): Promise<Item | undefined> {
    const path = folder === "" ? name : `${folder}/${name}`;
    const own = `${url}${encodeURIComponent(name)}`;
    if (kind === "folder") {
      const below = await locate(client, `${own}/`);
      return below?.endpoint === endpoint && below.folder === path
        ? { name, kind, url: `${own}/` }
        : undefined;
    }
    const at = `http://${client.host}`;
    const job = await api.jobs.admit(`${at}${own}`, client.headers, client.ip).catch(unlessClients);
    const { asset } = job ?? {};
    if (asset?.kind !== "path" || asset.path !== path) return undefined;
    if (asset.tenant !== endpoint.tenant || asset.endpoint !== endpoint.name) return undefined;
    const still = job?.media === "video" ? "/ik-thumbnail.jpg" : "";
    const thumbnail = `${at}${mount}tr:w-360/${own.slice(mount.length)}${still}`;
    const drawn = await api.jobs.admit(thumbnail, client.headers, client.ip).catch(unlessClients);
    const isPlain = drawn?.asset.path !== path || drawn.asset.endpoint !== endpoint.name;
    return {
      name,
      kind: job?.media ?? "file",
      url: own,
      ...(size !== undefined && { size }),
      ...(lastModified !== undefined && { lastModified }),
      ...(isPlain && { plain: true }),
    };
  }

  /** Whether a file is private; one that cannot be asked counts as such. */
  async function isPrivate(storage: Storage, { folder }: Location, entry: FolderEntry, signal: AbortSignal) {
    if (entry.kind === "folder") return false;
    if (entry.private !== undefined) return entry.private;
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    const found = await storage.open(path, { head: true, signal }).catch(() => undefined);
    if (found === undefined || found === NOT_MODIFIED) return true;
    await found.close?.();
    return found.private === true;
  }

  /** The folders at which the endpoints of this host begin. */
  async function endpointsAt(client: Client) {
    const links: { name: string; url: string }[] = [];
    for (const { tenant, name, prefix } of current()?.endpoints.slice(0, MAX_ENDPOINTS) ?? []) {
      const segments = [[], [prefix], [tenant], [tenant, prefix]].map((parts) =>
        parts.filter((part) => part !== ""),
      );
      const urls = new Set(segments.map((parts) => `/${parts.map((part) => `${part}/`).join("")}`));
      for (const url of urls) {
        const location = await locate(client, url);
        if (location?.folder !== "" || location.endpoint.tenant !== tenant || location.endpoint.name !== name)
          continue;
        links.push({ name: tenant === "" ? name : `${tenant}/${name}`, url });
        break;
      }
    }
    return links;
  }
}

/** Who asks: what the rules of an endpoint may look at. */
interface Client {
  readonly host: string;
  readonly ip: string;
  readonly headers: Readonly<Record<string, string>>;
}

function headersOf({ header }: RouteRequest): Record<string, string> {
  const names = ["host", "user-agent", "accept", "referer"] as const;
  return Object.fromEntries(
    names.flatMap((name) => (header(name) === undefined ? [] : [[name, header(name) as string]])),
  );
}

/** A URL that is refused, or leads to nothing, is no failure of the listing. */
function unlessClients(error: unknown): undefined {
  if (!isMediaError(error) || error.status >= 500) throw error;
}

/** The name of an origin without that of its tenant. */
function shortName(name: string): string {
  return name.slice(name.indexOf("/") + 1);
}

function json(status: number, body: unknown): RouteReply {
  return {
    status,
    headers: { "content-type": "application/json", "cache-control": "no-store" },
    body: JSON.stringify(body),
  };
}
