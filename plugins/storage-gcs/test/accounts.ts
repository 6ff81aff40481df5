import { generateKeyPairSync, type KeyObject, randomBytes, verify } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";

export interface Account {
  readonly clientEmail: string;
  /** PEM, as key files have it. */
  readonly privateKey: string;
}

/** The accounts that Google knows, and the tokens that it gave them. */
export interface Accounts {
  /** A new service account. */
  create(name: string): Account;
  /** Answers `POST /token` (RFC 7523); `address` is its own URL, the audience of claims. */
  login(request: IncomingMessage, response: ServerResponse, address: string): Promise<void>;
  /** Answers the metadata server's question for a token of the machine's account. */
  metadata(request: IncomingMessage, response: ServerResponse): void;
  /** Address of the account that a request comes from; `undefined`: no token, or one that does not hold. */
  of(request: IncomingMessage): string | undefined;
  /** From now on no token holds that was given so far. */
  revoke(): void;
  /** Logins so far. */
  readonly logins: () => number;
  /** Seconds that new tokens hold. */
  lifetime: number;
}

/** The account of the machine. */
export const MACHINE = "machine@shop.iam.gserviceaccount.com";

export function createAccounts(): Accounts {
  const keys = new Map<string, KeyObject>();
  const tokens = new Map<string, string>();
  let logins = 0;

  function grant(response: ServerResponse, email: string): void {
    logins++;
    const token = `ya29.${randomBytes(24).toString("base64url")}`;
    tokens.set(token, email);
    json(response, 200, { access_token: token, expires_in: accounts.lifetime, token_type: "Bearer" });
  }

  /** Who signed a claim for this server that holds now; a description of what is wrong with it otherwise. */
  function signer(assertion: string, address: string): { email: string } | { wrong: string } {
    const [head = "", body = "", signature = ""] = assertion.split(".");
    const header = parse(head);
    const claim = parse(body);
    const key = keys.get(String(claim.iss));
    if (!key) return { wrong: "Invalid grant: account not found" };
    const signed = Buffer.from(`${head}.${body}`);
    if (header.alg !== "RS256" || !verify("sha256", signed, key, Buffer.from(signature, "base64url"))) {
      return { wrong: "Invalid JWT Signature." };
    }
    const now = Date.now() / 1000;
    const [iat, exp] = [Number(claim.iat), Number(claim.exp)];
    if (!(iat <= now + 60 && exp > now && exp - iat <= 3600)) return { wrong: "Invalid JWT: short-lived" };
    if (claim.aud !== address) return { wrong: "Invalid JWT: audience" };
    if (!/devstorage\.read_write$/.test(String(claim.scope))) return { wrong: "Invalid OAuth scope" };
    return { email: String(claim.iss) };
  }

  const accounts: Accounts = {
    create(name) {
      const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
      const clientEmail = `${name}@shop.iam.gserviceaccount.com`;
      keys.set(clientEmail, publicKey);
      return { clientEmail, privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString() };
    },
    async login(request, response, address) {
      const form = new URLSearchParams(await text(request));
      const isForm = request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded");
      if (!isForm || form.get("grant_type") !== "urn:ietf:params:oauth:grant-type:jwt-bearer") {
        return json(response, 400, { error: "unsupported_grant_type" });
      }
      const found = signer(form.get("assertion") ?? "", address);
      if ("wrong" in found) {
        return json(response, 400, { error: "invalid_grant", error_description: found.wrong });
      }
      grant(response, found.email);
    },
    metadata(request, response) {
      if (request.headers["metadata-flavor"] !== "Google") return void response.writeHead(403).end();
      response.setHeader("metadata-flavor", "Google");
      if (request.url?.includes("/service-accounts/default/token")) grant(response, MACHINE);
      else json(response, 200, {});
    },
    of(request) {
      const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
      return token === undefined ? undefined : tokens.get(token);
    },
    revoke: () => tokens.clear(),
    logins: () => logins,
    lifetime: 3599,
  };
  return accounts;
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  const bytes = Buffer.from(JSON.stringify(body));
  response.writeHead(status, {
    "content-type": "application/json; charset=UTF-8",
    "content-length": bytes.length,
  });
  response.end(bytes);
}

function parse(part: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}
