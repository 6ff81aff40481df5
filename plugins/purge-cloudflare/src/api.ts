import { buffer } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { MediaError } from "@mediatap/core";
import type { Fetcher } from "@mediatap/core/storage";

export interface ApiOptions {
  readonly fetcher: Fetcher;
  readonly api: string;
  readonly zone: string;
  readonly token: string;
  readonly retries: number;
  readonly signal: AbortSignal;
}

/** The body of a call ("Purge Cached Content", Cloudflare API v4). */
export type PurgeCall =
  | { readonly files: readonly string[] }
  | { readonly tags: readonly string[] }
  | { readonly purge_everything: true };

/** Longest wait between two attempts in milliseconds, and bytes of the longest response that is parsed. */
const MAX_RETRY_WAIT_MS = 60_000;
const MAX_RESPONSE_BYTES = 64 * 1024;

/** Sends calls and retries those that meet a rate limit or fail. Throws `UNIDENTIFIED` when all attempts failed. */
export function createApi({ fetcher, api, zone, token, retries, signal }: ApiOptions) {
  const address = `${api.replace(/\/+$/, "")}/zones/${zone}/purge_cache`;

  return async function send(call: PurgeCall): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const { error, wait } = await sendOnce(call, attempt);
      if (!error) return;
      if (wait === undefined || attempt >= retries) throw error;
      await pause(wait, undefined, { signal });
    }
  };

  /** `wait`: milliseconds until a retry; left out: a retry cannot succeed. */
  async function sendOnce(call: PurgeCall, attempt: number): Promise<{ error?: MediaError; wait?: number }> {
    const backoff = Math.min(1_000 * 2 ** attempt, MAX_RETRY_WAIT_MS) * (0.5 + Math.random() / 2);
    try {
      const { status, headers, body } = await fetcher.fetch(address, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(call),
        signal,
        trusted: api,
      });
      const response = status < 500 && status !== 429 ? parse(await buffer(body)) : undefined;
      body.destroy();
      if (status === 200 && response?.success === true) return {};
      const error = new MediaError(
        "UNIDENTIFIED",
        `Cloudflare refused a purge: ${status} ${codesOf(response)}`.trim(),
      );
      if (status < 500 && status !== 429) return { error };
      const after = Number(headers["retry-after"]) * 1000;
      return { error, wait: after > 0 ? Math.min(after, MAX_RETRY_WAIT_MS) : backoff };
    } catch (cause) {
      if (signal.aborted) throw cause;
      return {
        error: new MediaError("UNIDENTIFIED", "Cloudflare did not accept a purge", { cause }),
        wait: backoff,
      };
    }
  }
}

interface ApiResponse {
  readonly success?: unknown;
  readonly errors?: readonly { readonly code?: unknown }[];
}

function parse(bytes: Uint8Array): ApiResponse | undefined {
  if (bytes.byteLength > MAX_RESPONSE_BYTES) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as ApiResponse;
  } catch {
    return undefined;
  }
}

/** Cloudflare's error codes; its messages may repeat what was sent. */
function codesOf(response: ApiResponse | undefined): string {
  const codes = Array.isArray(response?.errors) ? response.errors.map(({ code }) => code) : [];
  return codes.filter((code) => typeof code === "number").join(", ");
}
