import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Accounts, createAccounts } from "./accounts.ts";
import { type Bucket, get, list, refuse } from "./objects.ts";
import { createUploads, type Uploads } from "./uploads.ts";

/**
 * Cloud Storage's JSON API on the loopback address, with Google's logins: what of it the storage uses, by Google's
 * documentation.
 */
export interface Google {
  readonly url: string;
  readonly tokenUri: string;
  readonly accounts: Accounts;
  readonly uploads: Uploads;
  readonly requests: readonly IncomingMessage[];
  /** Answers a request in another way; `false`: as usual. */
  fault: ((...[request, response]: Parameters<RequestListener>) => boolean) | undefined;
  /** A new bucket; `readers`: e-mail addresses that may use it. */
  bucket(name: string, readers: readonly string[] | "all"): Bucket;
  close(): Promise<void>;
}

export async function startGoogle(): Promise<Google> {
  const accounts = createAccounts();
  const uploads = createUploads();
  const buckets = new Map<string, { bucket: Bucket; readers: readonly string[] | "all" }>();
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    if (google.fault?.(request, response)) return;
    answer(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(request.url ?? "/", url);
    if (asked.pathname === "/token") return accounts.login(request, response, google.tokenUri);
    if (asked.pathname.startsWith("/computeMetadata/")) return accounts.metadata(request, response);

    const upload = asked.searchParams.get("upload_id");
    if (upload !== null) return uploads.go(request, response, upload);

    const path = /^(\/upload)?\/storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(asked.pathname);
    if (!path) return refuse(response, 404, "notFound", "Not Found");
    const place = buckets.get(decodeURIComponent(path[2] ?? ""));
    const account = accounts.of(request);
    const isKnown = account !== undefined;
    if (!isKnown && (request.headers.authorization !== undefined || place?.readers !== "all")) {
      return refuse(response, 401, "authError", "Invalid Credentials");
    }
    if (!place) return refuse(response, 404, "notFound", "The specified bucket does not exist.");
    if (place.readers !== "all" && !place.readers.includes(account ?? "")) {
      return refuse(response, 403, "forbidden", `${account} does not have storage.objects.get access`);
    }
    const { bucket } = place;
    const name = path[3] === undefined ? undefined : decodeURIComponent(path[3]);
    if (path[1] && request.method === "POST") return uploads.start(request, response, asked, bucket);
    if (name === undefined) return list(response, asked.searchParams, bucket);
    if (request.method === "GET") return get(request, response, asked.searchParams, bucket, name);
    if (request.method !== "DELETE") return refuse(response, 405, "methodNotAllowed", "Method Not Allowed");
    if (bucket.objects.delete(name)) return void response.writeHead(204).end();
    refuse(response, 404, "notFound", `No such object: ${bucket.name}/${name}`);
  }

  const google: Google = {
    url,
    tokenUri: `${url}/token`,
    accounts,
    uploads,
    requests,
    fault: undefined,
    bucket(name, readers) {
      const bucket = { name, objects: new Map(), page: 3 };
      buckets.set(name, { bucket, readers });
      return bucket;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return google;
}
