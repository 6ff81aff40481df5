import { AsyncLocalStorage } from "node:async_hooks";
import { hash } from "node:crypto";
import type { Endpoint } from "../model/endpoint.ts";
import { MediaError } from "../model/errors.ts";

/**
 * `CDN-Loop` (RFC 8586) names the servers that a request has passed. It is carried from a request to the requests to origins that
 * its work makes, as a trace is: no rendition depends on it.
 */
const lists = new AsyncLocalStorage<string>();

/** Servers that a request may have passed. */
const MAX_MEMBERS = 20;
const MAX_CHARACTERS = 2_000;

/** The pseudonym of servers of this kind. */
const NAME = "mediatap";

/** The member by which this server knows its own requests (RFC 8586 §2). */
export function printLoopToken(serverMark?: string): string {
  if (serverMark === undefined) return NAME;
  if (!/^[\w.-]+$/.test(serverMark)) {
    throw new MediaError("ECONFIG", "Expected letters, digits and -._ for serverMark");
  }
  return `${NAME}; id=${serverMark}`;
}

/** Throws `ELOOP` if a request came from the server of this token, or passed more servers than a chain has. */
export function assertNoLoop(list: string | undefined, token: string): void {
  if (list === undefined) return;
  const members = list.split(",");
  if (members.some((member) => member.trim() === token)) {
    throw new MediaError("ELOOP", "The request came from this server");
  }
  if (members.length > MAX_MEMBERS || list.length > MAX_CHARACTERS) {
    throw new MediaError("ELOOP", "The request passed too many servers");
  }
}

/** Does work for a request with this `CDN-Loop`. */
export function withLoopList<T>(list: string | undefined, work: () => T): T {
  return list === undefined ? work() : lists.run(list, work);
}

/** `CDN-Loop` of a request to an origin: what the request had that the work is done for, and this server. */
export function loopListWith(token: string): string {
  const list = lists.getStore();
  return list === undefined ? token : `${list}, ${token}`;
}

/**
 * What distinguishes the current work from equal work for requests that passed other servers of this kind; `""`: none did. Two servers
 * that are each other's origin would wait for each other for ever if a request that comes from the second one joined the work of
 * the first one that waits for the second.
 */
export function loopKey(): string {
  const list = lists.getStore();
  return list?.includes(NAME) ? ` ${list}` : "";
}

/** Code of the cause of a failure that is one only for requests that passed certain servers. */
export const LOOP_CAUSE = "ELOOPED";

/** Whether work failed because a request came back to a server that it had passed. */
export function isLoopFailure(error: unknown): boolean {
  return (error as { cause?: { code?: unknown } } | undefined)?.cause?.code === LOOP_CAUSE;
}

/** Tells this server, and its siblings of the same configuration, from others in `CDN-Loop`. */
export function serverMarkOf(endpoints: readonly Endpoint[]): string {
  return hash(
    "sha256",
    JSON.stringify(endpoints.map(({ name, fingerprint }) => [name, fingerprint])),
    "hex",
  ).slice(0, 12);
}
