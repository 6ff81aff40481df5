import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { json as readJson } from "node:stream/consumers";

/** Credentials of the connection; of each, something that headers and JSON could spoil. */
export const CREDENTIALS = {
  clientId: "1_32ch31okfu0w48gg",
  clientSecret: "s3cr3t+/=:é",
  username: "media_0001",
  password: 'p"ä\\ss:word',
};

/** The files of a PIM and what leads to them, as Akeneo's "REST API reference" and "Authentication" have it. */
export interface Pim {
  readonly url: string;
  readonly port: number;
  /** By family and code: `media-files/1/b/a/f/1baf_img.png`. */
  readonly files: Map<string, { readonly bytes: Uint8Array; readonly type?: string }>;
  readonly requests: readonly IncomingMessage[];
  logins(): number;
  /** Seconds that tokens hold from now on. */
  lifetime: number;
  /** Ends all tokens. */
  revoke(): void;
  /** Answers a request in another way if it returns true. */
  fault: ((...[request, response]: Parameters<RequestListener>) => boolean) | undefined;
  close(): Promise<void>;
}

const LOGIN = "/api/oauth/v1/token";

export const isLogin = ({ url }: IncomingMessage) => url === LOGIN;

export async function startPim(port = 0): Promise<Pim> {
  const requests: IncomingMessage[] = [];
  const tokens = new Map<string, number>();
  const server = createServer((request, response) => {
    requests.push(request);
    if (pim.fault?.(request, response)) return;
    if (isLogin(request)) void login(request, response);
    else download(request, response);
  });

  async function login(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method !== "POST") return void refuse(response, 405, "Method Not Allowed");
    const { clientId, clientSecret, username, password } = CREDENTIALS;
    const basic = `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`;
    const asked = (await readJson(request)) as Record<string, string>;
    if (request.headers["content-type"] !== "application/json") {
      return void refuse(response, 415, "The Content-type header is not valid.");
    }
    if (request.headers.authorization !== basic) {
      const words = 'Parameter "client_id" is missing or does not match any client, or secret is invalid';
      return void refuse(response, 422, words);
    }
    if (asked.grant_type !== "password") {
      return refuse(
        response,
        422,
        'Parameter "grant_type", "username" or "password" is missing, empty or invalid',
      );
    }
    if (asked.username !== username || asked.password !== password) {
      return void refuse(response, 422, "No user found for the given username and password");
    }
    const token = randomBytes(40).toString("base64").replaceAll("=", "");
    tokens.set(token, Date.now() + pim.lifetime * 1000);
    answer(response, 200, {
      access_token: token,
      expires_in: pim.lifetime,
      token_type: "bearer",
      scope: null,
      refresh_token: randomBytes(40).toString("base64"),
    });
  }

  function download(request: IncomingMessage, response: ServerResponse): void {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    if (token === undefined) return void refuse(response, 401, "Authentication is required");
    const end = tokens.get(token);
    if (end === undefined) return void refuse(response, 401, "The access token provided is invalid.");
    if (end < Date.now()) return void refuse(response, 401, "The access token provided has expired.");
    const name = nameOf(request.url ?? "");
    const file = pim.files.get(name ?? "");
    if (!file) return void refuse(response, 404, `Media file "${name}" does not exist.`);
    // Streamed by PHP: without length, validators and ranges.
    const type = file.type ?? "application/octet-stream";
    response.writeHead(200, {
      "content-type": type,
      "content-disposition": 'attachment; filename="img.png"',
    });
    response.end(request.method === "HEAD" ? undefined : file.bytes);
  }

  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: found } = server.address() as AddressInfo;
  const pim: Pim = {
    url: `http://127.0.0.1:${found}`,
    port: found,
    files: new Map(),
    requests,
    logins: () => requests.filter(isLogin).length,
    lifetime: 3600,
    revoke: () => tokens.clear(),
    fault: undefined,
    async close() {
      if (!server.listening) return;
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return pim;
}

/** Family and code; of the three families only product media have `/download` behind the code. */
function nameOf(url: string): string | undefined {
  const found =
    /^\/api\/rest\/v1\/(?:(media-files\/[^?]+)\/download|((?:asset|reference-entities)-media-files\/[^?]+))$/.exec(
      url,
    );
  const name = found?.[1] ?? found?.[2];
  return name?.split("/").map(decodeURIComponent).join("/");
}

function refuse(response: ServerResponse, code: number, message: string): void {
  answer(response, code, { code, message });
}

function answer(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { "content-type": "application/json" }).end(JSON.stringify(body));
}
