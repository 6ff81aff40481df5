import { AsyncLocalStorage } from "node:async_hooks";
import { randomUUID } from "node:crypto";

/** What joins the logs of several servers about one piece of work (W3C Trace Context). */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly id: string;
  /** Two hexadecimal digits: whether somebody records it. */
  readonly flags: string;
  /** 16 hexadecimal digits: under which requests to origins stand. Left out: each has an id of its own. */
  readonly parent?: string;
  /** Value of `tracestate` for requests to origins. */
  readonly state?: string;
  /** Does work in whatever else follows it from call to call. */
  within?<T>(work: () => T): T;
}

const traces = new AsyncLocalStorage<Trace>();

/** Version 00; later versions may go on behind a hyphen (W3C Trace Context §4.3). */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})(-.*)?$/;

/** The trace that a request belongs to, by its `traceparent`; a new one where it has none or a wrong one. */
export function traceOf(header: string | undefined): Trace {
  const [, version, id, flags, more] = TRACEPARENT.exec(header ?? "") ?? [];
  if (id === undefined || flags === undefined || (version === "00" && more !== undefined)) {
    return { id: randomDigits(), flags: "00" };
  }
  return { id, flags };
}

/** 32 random hexadecimal digits, but for six bits in the middle. Node makes many UUIDs at a time, which costs less than `randomBytes`. */
function randomDigits(): string {
  return randomUUID().replaceAll("-", "");
}

/** Does work as part of a trace: so are the requests that it makes, and what it starts. */
export function inTrace<T>(trace: Trace, work: () => T): T {
  return traces.run(trace, () => (trace.within ? trace.within(work) : work()));
}

/** The trace of the caller's work. */
export function currentTrace(): Trace | undefined {
  return traces.getStore();
}

/** `traceparent`, and `tracestate` if there is any, for one request of the caller's work. */
export function traceHeaders(): Record<string, string> {
  const { id, flags, parent = randomDigits().slice(16), state } = currentTrace() ?? traceOf(undefined);
  return { traceparent: `00-${id}-${parent}-${flags}`, ...(state ? { tracestate: state } : {}) };
}
