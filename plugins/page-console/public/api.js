import { signal } from "@preact/signals";

/** The session: `undefined` until the server has answered. */
export const session = signal(/** @type {Session | undefined} */ (undefined));

/** Whether the form to sign in is open, in a console that is open without. */
export const isSigningIn = signal(false);

/**
 * @typedef {{ name: string, transformation: string, enabled: boolean }} Named
 * @typedef {{ tenant: string, name: string, prefix: string, hosts: string[], origins: string[], languages: string[], restrictUnsigned: string,
 *   restrictUnnamed: boolean, hasKey: boolean, namedTransformations: Named[] }} EndpointInfo
 * @typedef {{ isOpen: boolean, isSignedIn?: boolean, isOperator?: boolean, role?: string, csrf?: string, endpoints?: EndpointInfo[],
 *   person?: string, provider?: string | undefined }} Session
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
  if (response.status === 401 && path !== "/session") {
    session.value = { isOpen: false, provider: session.value?.provider };
  }
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
  isSigningIn.value = false;
}

export async function signOut() {
  await call("/session", { method: "DELETE" });
  await loadSession();
}

/**
 * A URL below an endpoint, as this browser can request it.
 * @param {Pick<EndpointInfo, "tenant" | "prefix" | "hosts">} endpoint
 * @param {string} path without a slash in front
 */
export function urlBelow({ tenant, prefix, hosts }, path) {
  const [host] = hosts;
  const mount = host ? [] : [tenant, prefix].filter(Boolean);
  const whole = [...mount, path].join("/");
  return host ? `http://${host}/${whole}` : `/${whole}`;
}

/**
 * The address of a picture as the server itself gets it, whatever its host name; signed, if its endpoint demands that.
 * @param {EndpointInfo} endpoint
 * @param {string} url
 */
export async function pictureAt(endpoint, url) {
  const mustSign = endpoint.restrictUnsigned !== "none" && endpoint.hasKey && session.value?.isSignedIn;
  const signed = mustSign ? (await call("/data/sign", { method: "POST", body: { url } })).url : url;
  return {
    signed,
    picture: `/-/console/data/answer?${new URLSearchParams({ url: signed, accept: "image/webp,*/*" })}`,
  };
}
