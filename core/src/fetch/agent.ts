import { isIP, type LookupFunction } from "node:net";
import { Agent, buildConnector, Pool } from "undici";
import type { Limits } from "../model/limits.ts";
import { refused } from "./url.ts";

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly { address: string; family: number }[]>;

/** Whether a connection to `address` of `host` may be opened. */
export type Admit = (host: string, port: number, address: string) => boolean;

/**
 * A pool of connections that opens none to an address it does not admit. Names are resolved once a connection, all
 * their addresses are judged, and the connection goes to one of those: no second answer can slip in between. Names
 * in TLS and `Host` stay the URL's. Environment proxies are not used.
 */
export function createAgent(admit: Admit, resolve: Resolve, limits: Limits): Agent {
  return new Agent({
    factory: (origin, options) =>
      new Pool(origin, {
        ...(options as Pool.Options),
        connect: connectorOf(new URL(origin), admit, resolve, limits),
      }),
    headersTimeout: limits.originFirstByte,
    bodyTimeout: limits.originIdle,
    maxHeaderSize: limits.headerBytes,
    // HTTP/1.1 only: one parser, one set of limits.
    allowH2: false,
    pipelining: 1,
    keepAliveTimeout: 10_000,
    keepAliveMaxTimeout: 60_000,
  });
}

function connectorOf(origin: URL, admit: Admit, resolve: Resolve, limits: Limits): buildConnector.connector {
  const port = Number(origin.port) || (origin.protocol === "https:" ? 443 : 80);
  const connect = buildConnector({
    allowH2: false,
    timeout: limits.originConnect,
    lookup: judgedLookup((host, address) => admit(host, port, address), resolve),
  });
  return (options, callback) => {
    const host = options.hostname.replace(/^\[|\]$/g, "");
    // Node resolves no literal address, so the lookup would never see it.
    if (isIP(host) && !admit(host, port, host)) return callback(refused(`address ${host}`), null);
    connect(options, callback);
  };
}

function judgedLookup(admit: (host: string, address: string) => boolean, resolve: Resolve): LookupFunction {
  return (host, options, callback) => {
    resolve(host).then(
      (found) => {
        const bad = found.find(({ address }) => !admit(host, address));
        if (bad) return callback(refused(`address ${bad.address} of ${host}`), []);
        const [first] = found;
        if (!first) return callback(Object.assign(new Error("no address"), { code: "ENOTFOUND" }), []);
        if (options.all) return callback(null, [...found]);
        callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}
