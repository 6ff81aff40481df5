import type { KeyRole } from "../plugin/account-keys.ts";
import type { CallDescription, CallHandler, CallWithoutKey, RouteHandler } from "../plugin/calls.ts";

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

export type Method = (typeof METHODS)[number];

export interface Route {
  readonly method: Method;
  readonly path: string;
  readonly handler: RouteHandler;
  readonly plugin: string;
}

/** A call of the management that a plugin handles. */
export interface Call {
  readonly method: Method;
  /** Below the management's own. */
  readonly path: string;
  readonly handler: CallHandler;
  readonly plugin: string;
  readonly role: KeyRole;
  readonly atRoot?: boolean;
  readonly describe?: (() => CallDescription) | undefined;
  readonly withoutKey?: CallWithoutKey;
}
