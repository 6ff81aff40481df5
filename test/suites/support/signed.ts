import { sign } from "@mediatap/url-imagekit";

/** A path (with a leading slash, below the endpoint) and its query, signed; `expiry` in Unix seconds. */
export function signed(path: string, key: string, expiry?: number): string {
  const message = path.slice(1);
  const separator = path.includes("?") ? "&" : "?";
  const time = expiry === undefined ? "" : `ik-t=${expiry}&`;
  return `${path}${separator}${time}ik-s=${sign(message, key, expiry)}`;
}
