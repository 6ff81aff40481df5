import { isIPv6, type Socket } from "node:net";
import { MediaError } from "../../model/errors.ts";

/**
 * Opens a connection to an address through an HTTP proxy (`CONNECT`, RFC 9110 §9.3.6). The proxy gets the address that
 * was judged, never a name to resolve once more. User and password of the proxy's URL are sent to it.
 */
export function openTunnel(proxy: URL, address: string, port: number, timeout: number): Promise<Socket> {
  const authority = `${isIPv6(address) ? `[${address}]` : address}:${port}`;
  const { promise, resolve, reject } = Promise.withResolvers<Socket>();
  // Loaded for the first proxy.
  const http = process.getBuiltinModule(proxy.protocol === "https:" ? "node:https" : "node:http");
  const request = http.request({
    host: proxy.hostname.replace(/^\[|\]$/g, ""),
    port: proxy.port || (proxy.protocol === "https:" ? 443 : 80),
    method: "CONNECT",
    path: authority,
    headers: { host: authority, ...authorization(proxy) },
    agent: false,
  });
  const timer = setTimeout(
    () => request.destroy(Object.assign(new Error("the proxy did not answer"), { code: "ETIMEDOUT" })),
    timeout,
  );
  request
    .on("connect", (response, socket: Socket, head) => {
      if (response.statusCode !== 200 || head.length > 0) {
        socket.destroy();
        return reject(new Error(`the proxy answered CONNECT with ${response.statusCode}`));
      }
      resolve(socket.setNoDelay(true));
    })
    // An answer that is no tunnel.
    .on("response", (response) => {
      response.destroy();
      reject(new Error(`the proxy answered CONNECT with ${response.statusCode}`));
    })
    .on("error", reject)
    .end();
  return promise.finally(() => clearTimeout(timer));
}

function authorization({ username, password }: URL): Record<string, string> {
  if (username === "") return {};
  const pair = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** The proxy's address. Throws `ECONFIG`; `undefined` for an empty one. */
export function proxyOf(text: string | undefined): URL | undefined {
  if (text === undefined || text === "") return undefined;
  const url = URL.parse(text);
  const plain = url && /^https?:$/.test(url.protocol) && url.pathname === "/" && !/[?#]/.test(text);
  if (plain) return url;
  throw new MediaError("ECONFIG", "network.proxy: Expected an http or https URL without path");
}
