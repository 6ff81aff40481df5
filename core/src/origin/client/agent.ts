import { createRequire } from "node:module";
import { isIP, type LookupFunction, type Socket } from "node:net";
import type { Agent, buildConnector, Pool } from "undici";
import type { Limits } from "../../model/limits.ts";
import { isPublicAddress } from "./addresses.ts";
import { openTunnel } from "./tunnel.ts";
import { refused } from "./url.ts";

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly { address: string; family: number }[]>;

/** Whether a connection to `address` of `host` may be opened. */
export type Admit = (host: string, port: number, address: string) => boolean;

/** What an agent makes connections by. */
export interface Network {
  readonly admit: Admit;
  readonly resolve: Resolve;
  readonly limits: Limits;
  /** Whether connections serve several requests. */
  readonly reuse: boolean;
  /** HTTP proxy through which public addresses are reached. */
  readonly proxy?: URL | undefined;
}

const require = createRequire(import.meta.url);

/**
 * undici is large: it is loaded for the first request. `require` tries again if files were short; `import` would keep the
 * failure for good.
 */
const undici = () => require("undici") as typeof import("undici");

/**
 * A pool of connections that opens none to an address it does not admit. Names are resolved once a connection, all
 * their addresses are judged, and the connection goes to one of those: no second answer can slip in between. Names
 * in TLS and `Host` stay the URL's. Proxies of the environment are not used.
 */
export function createAgent(network: Network): Agent {
  const { limits, reuse } = network;
  const { Agent, Pool } = undici();
  return new Agent({
    factory: (origin, options) =>
      new Pool(origin, {
        ...(options as Pool.Options),
        connect: connectorOf(new URL(origin), network),
      }),
    headersTimeout: limits.originFirstByte,
    bodyTimeout: limits.originIdle,
    maxHeaderSize: limits.headerBytes,
    // HTTP/1.1 only: one parser, one set of limits.
    allowH2: false,
    // 0: no keep-alive.
    pipelining: reuse ? 1 : 0,
    keepAliveTimeout: 10_000,
    keepAliveMaxTimeout: 60_000,
  });
}

function connectorOf(origin: URL, network: Network): buildConnector.connector {
  const { admit, resolve, limits, proxy } = network;
  const port = Number(origin.port) || (origin.protocol === "https:" ? 443 : 80);
  const find = judged((host, address) => admit(host, port, address), resolve);
  const connect = undici().buildConnector({
    allowH2: false,
    timeout: limits.originConnect,
    lookup: lookupOf(find),
  });
  const connectBy = async (host: string, proxy: URL): Promise<Socket | undefined> => {
    const address = isIP(host) ? host : (await find(host))[0]?.address;
    if (address === undefined || !isPublicAddress(address)) return undefined;
    return openTunnel(proxy, address, port, limits.originConnect);
  };
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, "");
    // Node resolves no literal address, so the lookup would never see it.
    if (isIP(host) && !admit(host, port, host)) return callback(refused(`address ${host}`), null);
    if (!proxy) return connect(options, callback);
    connectBy(host, proxy).then(
      (socket) => {
        // Private places are reached directly: their addresses mean nothing to a proxy elsewhere.
        if (!socket) return connect(options, callback);
        if (options.protocol !== "https:") return callback(null, socket);
        connect({ ...options, httpSocket: socket }, callback);
      },
      (error: Error) => callback(error, null),
    );
  };
}

/** All addresses of a name, where every one of them is admitted. */
function judged(admit: (host: string, address: string) => boolean, resolve: Resolve): Resolve {
  return async (host) => {
    const found = await resolve(host);
    const bad = found.find(({ address }) => !admit(host, address));
    if (bad) throw refused(`address ${bad.address} of ${host}`);
    if (found.length === 0) throw Object.assign(new Error("no address"), { code: "ENOTFOUND" });
    return found;
  };
}

function lookupOf(find: Resolve): LookupFunction {
  return (host, options, callback) => {
    find(host).then(
      (found) => {
        const [first] = found;
        if (options.all || !first) return callback(null, [...found]);
        callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}
