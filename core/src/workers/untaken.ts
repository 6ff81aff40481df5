import type { Worker } from "node:cluster";

interface Connection {
  close(): void;
}

/** How `node:cluster` hands a connection to a worker, and how the worker says that it has it. */
interface Internal {
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

/**
 * A connection that was handed to a worker which dies before it has taken it belongs to nobody: `node:cluster` keeps it open, and
 * its client would wait for ever. It is closed with the worker, so that the client knows, and asks again.
 */
export function closeUntaken({ process: child }: Worker): void {
  const untaken = new Map<number, Connection>();
  const send = child.send.bind(child) as (...args: unknown[]) => boolean;
  child.send = (message: Internal, connection?: unknown, ...more: unknown[]): boolean => {
    if (message.act === "newconn" && message.seq !== undefined)
      untaken.set(message.seq, connection as Connection);
    return send(message, connection, ...more);
  };
  child.on("internalMessage", ({ ack }: Internal) => {
    if (ack !== undefined) untaken.delete(ack);
  });
  child.once("exit", () => {
    for (const connection of untaken.values()) connection.close();
    untaken.clear();
  });
}
