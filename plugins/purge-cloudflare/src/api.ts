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

/** What one call may say ("Purge Cached Content", Cloudflare API v4). */
export type Call =
  | { readonly files: readonly string[] }
  | { readonly tags: readonly string[] }
  | { readonly purge_everything: true };

/** Longest wait between two tries, and bytes of an answer that are read. */
const LONGEST_WAIT = 60_000;
const LONGEST_ANSWER = 64 * 1024;

/** Sends calls; one that meets a limit or a failure is tried again. Throws `UNIDENTIFIED` when all tries failed. */
export function createApi({ fetcher, api, zone, token, retries, signal }: ApiOptions) {
  const address = `${api.replace(/\/+$/, "")}/zones/${zone}/purge_cache`;

  return async function send(call: Call): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      const { error, wait } = await once(call, attempt);
      if (!error) return;
      if (wait === undefined || attempt >= retries) throw error;
      await pause(wait, undefined, { signal });
    }
  };

  /** `wait`: milliseconds after which it is worth another try; left out: it is not. */
  async function once(call: Call, attempt: number): Promise<{ error?: MediaError; wait?: number }> {
    const backoff = Math.min(1_000 * 2 ** attempt, LONGEST_WAIT) * (0.5 + Math.random() / 2);
    try {
      const { status, headers, body } = await fetcher.fetch(address, {
        method: "POST",
        headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
        body: JSON.stringify(call),
        signal,
        trusted: api,
      });
      const answer = status < 500 && status !== 429 ? parse(await buffer(body)) : undefined;
      body.destroy();
      if (status === 200 && answer?.success === true) return {};
      const error = new MediaError(
        "UNIDENTIFIED",
        `Cloudflare refused a purge: ${status} ${codesOf(answer)}`.trim(),
      );
      if (status < 500 && status !== 429) return { error };
      const after = Number(headers["retry-after"]) * 1000;
      return { error, wait: after > 0 ? Math.min(after, LONGEST_WAIT) : backoff };
    } catch (cause) {
      if (signal.aborted) throw cause;
      return {
        error: new MediaError("UNIDENTIFIED", "Cloudflare did not accept a purge", { cause }),
        wait: backoff,
      };
    }
  }
}

interface Answer {
  readonly success?: unknown;
  readonly errors?: readonly { readonly code?: unknown }[];
}

function parse(bytes: Uint8Array): Answer | undefined {
  if (bytes.byteLength > LONGEST_ANSWER) return undefined;
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8")) as Answer;
  } catch {
    return undefined;
  }
}

/** Cloudflare's numbers for what is wrong; its messages may repeat what was sent. */
function codesOf(answer: Answer | undefined): string {
  const codes = Array.isArray(answer?.errors) ? answer.errors.map(({ code }) => code) : [];
  return codes.filter((code) => typeof code === "number").join(", ");
}
