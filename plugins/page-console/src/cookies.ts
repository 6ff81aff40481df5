import { timingSafeEqual } from "node:crypto";
import type { RouteRequest } from "@mediatap/core";

interface CookieOptions {
  readonly path: string;
  /** Seconds. */
  readonly lifetime: number;
  readonly sameSite: "Strict" | "Lax";
  readonly isSecure: boolean;
}

export function cookieOf(name: string, value: string, options: CookieOptions): string {
  const { path, lifetime, sameSite, isSecure } = options;
  const secure = isSecure ? "; Secure" : "";
  return `${name}=${value}; Path=${path}; Max-Age=${lifetime}; HttpOnly; SameSite=${sameSite}${secure}`;
}

/** The value of a cookie; `undefined`: there is none of this form, a regular expression. */
export const cookieIn = (request: RouteRequest, name: string, form: string): string | undefined =>
  new RegExp(`(?:^|;\\s*)${name}=(${form})(?:;|$)`).exec(request.header("cookie") ?? "")?.[1];

/** Compares secrets in constant time. */
export function isEqual(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
