import { codeOf, isMediaError, MediaError } from "@mediatap/core";
import {
  assertAnswered,
  type FetchResponse,
  type HttpFiles,
  type HttpTarget,
  type Token,
  textOf,
} from "@mediatap/core/storage";
import { z } from "zod";
import type { Fields } from "./fields.ts";

/** Akeneo's response to a login (REST API, "Authentication"). */
const tokenSchema = z.object({
  access_token: z.string().regex(/^[\w.~+/=-]+$/),
  /** Seconds. */
  expires_in: z.number().positive().default(3600),
});
const messageSchema = z.object({ message: z.string() });

/** Length of the longest body that is read. */
const MAX_BYTES = 16_384;

/**
 * Logs in with a user's name and password. Throws `EACCES` where the PIM knows no such connection or user, or is none.
 */
export function createLogin(files: HttpFiles, fields: Fields): (signal: AbortSignal) => Promise<Token> {
  const { baseUrl, clientId, clientSecret, username, password } = fields;
  const address = {
    url: `${baseUrl}/api/oauth/v1/token`,
    headers: {
      authorization: `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString("base64")}`,
      "content-type": "application/json",
    },
    trusted: baseUrl,
  };
  const target: HttpTarget = { address: (refusal) => (refusal ? undefined : address) };
  const body = JSON.stringify({ grant_type: "password", username, password });

  return async (signal) => {
    const send = () => files.send(target, { method: "POST", body, signal }, files.deadlineOf(""));
    // The fetcher repeats no POST where nothing came back; a second login does no harm.
    const response = await send().catch((error: unknown) => {
      if (codeOf(error) !== "ECONNREFUSED" || signal.aborted) throw error;
      return send();
    });
    try {
      const body = await bodyOf(response);
      assertLoggedIn(response, body);
      const token = tokenSchema.safeParse(body);
      if (!token.success) throw new MediaError("UNIDENTIFIED", "The origin's login returned no token");
      const { access_token: text, expires_in } = token.data;
      return { text, expires: Date.now() + expires_in * 1000 };
    } finally {
      response.cancel();
    }
  };
}

function assertLoggedIn(response: FetchResponse, body: unknown): void {
  const { status } = response;
  // Wrong credentials are 422 here.
  if (status === 400 || status === 422) {
    throw new MediaError("EACCES", "The origin denies the login", { cause: reasonOf(body) });
  }
  if (status === 404 || status === 410) {
    const cause = new Error("there is no PIM at baseUrl");
    throw new MediaError("EACCES", "The origin has no login API", { cause });
  }
  assertAnswered(response);
}

/** What is wrong, for the operator. Akeneo tells it in words only. */
function reasonOf(body: unknown): Error | undefined {
  const message = messageSchema.safeParse(body).data?.message ?? "";
  if (/client_id|secret/i.test(message)) {
    return new Error(
      "clientId or clientSecret is wrong, or a server in front of the PIM drops the header Authorization",
    );
  }
  return /user|password/i.test(message) ? new Error("username or password is wrong") : undefined;
}

/** The body as JSON; `undefined` if it is none, or too long. */
async function bodyOf(response: FetchResponse): Promise<unknown> {
  try {
    return JSON.parse(await textOf(response, MAX_BYTES));
  } catch (error) {
    if (isMediaError(error) && error.outage) throw error;
    return undefined;
  }
}
