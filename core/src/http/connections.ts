import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Logger } from "pino";
import { throttled } from "../util/log.ts";
import type { Traffic } from "./drain.ts";

/** Descriptors that are reserved for everything but requests: logs, fonts, cache files, programs, pipes between processes. */
const RESERVED_DESCRIPTORS = 64;
/** A connection, and the file or the origin that its request reads from. */
const DESCRIPTORS_PER_CONNECTION = 2;
/** Connections above the limit, for health checks; other requests over them get 503. */
const RESERVED_CONNECTIONS = 16;
const MIN_CONNECTIONS = 16;
/** How long a connection above the limit may last, in milliseconds. */
const REFUSED_TIMEOUT_MS = 2_000;
/** How often idle connections are closed to make room, in milliseconds. */
const MAKE_ROOM_INTERVAL_MS = 100;
const LOG_INTERVAL_MS = 10_000;

export interface Connections {
  /** Whether requests over this connection are refused because there are too many of them. */
  isRefused(socket: Socket): boolean;
  /** Sets `limits.connections`. */
  adopt(limit: number): void;
}

/**
 * Counts and bounds the connections of a server, so that descriptors are left for what their requests read. At the limit idle connections are
 * closed; if that is not enough, new ones get a 503, and beyond a reserve they are closed without a response.
 */
export function boundConnections(http: Server, traffic: Traffic, log: Logger): Connections {
  const refused = new WeakSet<Socket>();
  const descriptors = descriptorLimit();
  let limit = MIN_CONNECTIONS;
  let madeRoom = Number.NEGATIVE_INFINITY;

  const note = throttled<void>(LOG_INTERVAL_MS, (refusals) =>
    log.warn(
      { refusals, limit, ...(descriptors === undefined ? {} : { openFiles: descriptors }) },
      "there are too many connections: new ones are refused (limits.connections, and the limit of open files)",
    ),
  );

  function makeRoom(): void {
    const now = performance.now();
    if (now - madeRoom < MAKE_ROOM_INTERVAL_MS) return;
    madeRoom = now;
    http.closeIdleConnections();
  }

  http.on("connection", (socket) => {
    traffic.connections++;
    socket.once("close", () => traffic.connections--);
    if (traffic.connections < limit) return;
    makeRoom();
    if (traffic.connections <= limit) return;
    refused.add(socket);
    const timer = setTimeout(() => socket.destroy(), REFUSED_TIMEOUT_MS).unref();
    socket.once("close", () => clearTimeout(timer));
    note();
  });
  http.on("drop", () => note());

  return {
    isRefused: (socket) => refused.has(socket),
    adopt(connections) {
      limit = Math.min(connections, maxConnections(descriptors));
      http.maxConnections = limit + RESERVED_CONNECTIONS;
    },
  };
}

/** How many connections a process may have that can open so many files; `undefined`: as many as it likes. */
function maxConnections(descriptors: number | undefined): number {
  if (descriptors === undefined) return Number.POSITIVE_INFINITY;
  const free = descriptors - RESERVED_DESCRIPTORS - RESERVED_CONNECTIONS;
  return Math.max(MIN_CONNECTIONS, Math.floor(free / DESCRIPTORS_PER_CONNECTION));
}

/** Files that this process may have open (RLIMIT_NOFILE, which Node has raised as far as it may); `undefined`: not known. */
function descriptorLimit(): number | undefined {
  try {
    const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8")) ?? [];
    return soft === undefined ? undefined : Number(soft);
  } catch {
    return undefined;
  }
}
