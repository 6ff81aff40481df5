import { signal } from "@preact/signals";

/** The session: `undefined` until the server has answered. */
export const session = signal(/** @type {Session | undefined} */ (undefined));

/**
 * @typedef {{ name: string, transformation: string, enabled: boolean }} Named
 * @typedef {{ tenant: string, name: string, prefix: string, hosts: string[], origins: string[], restrictUnsigned: string,
 *   restrictUnnamed: boolean, hasKey: boolean, namedTransformations: Named[] }} EndpointInfo
 * @typedef {{ isOpen: boolean, isSignedIn?: boolean, isOperator?: boolean, role?: string, csrf?: string, endpoints?: EndpointInfo[] }} Session
 */

/** A refusal, or a server that does not answer. */
export class CallError extends Error {
  /**
   * @param {string} message
   * @param {{ status?: number, code?: string }} [more]
   */
  constructor(message, { status = 0, code = "" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/**
 * @param {string} path below the console
 * @param {{ method?: string, body?: unknown, signal?: AbortSignal | undefined }} [options]
 */
export async function send(path, { method = "GET", body, signal } = {}) {
  /** @type {Response} */
  let response;
  try {
    response = await fetch(`/-/console${path}`, {
      method,
      cache: "no-store",
      headers: {
        ...(body === undefined || body instanceof FormData ? {} : { "content-type": "application/json" }),
        ...(method === "GET" ? {} : { "x-csrf-token": session.value?.csrf ?? "" }),
      },
      ...(body === undefined ? {} : { body: body instanceof FormData ? body : JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new CallError("The server does not respond. Is it running?");
  }
  if (response.ok) return response;
  const { message = `The server responded with ${response.status}`, code } = await response
    .json()
    .catch(() => ({}));
  // The key is gone, or the time is over.
  if (response.status === 401 && path !== "/session") session.value = { isOpen: false };
  throw new CallError(message, { status: response.status, code });
}

/**
 * @param {string} path
 * @param {Parameters<typeof send>[1]} [options]
 */
export async function call(path, options) {
  return await (await send(path, options)).json();
}

export async function loadSession() {
  session.value = await call("/session");
}

/** @param {string} key */
export async function signIn(key) {
  session.value = await call("/session", { method: "POST", body: { key } });
}

export async function signOut() {
  await call("/session", { method: "DELETE" });
  await loadSession();
}
