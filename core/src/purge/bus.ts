import { randomUUID } from "node:crypto";
import type { Logger } from "pino";

/** A way to the other processes: Redis, the channel to workers. Everything that it is given, every other process hears. */
export interface BusLine {
  readonly name: string;
  send(text: string): void | Promise<void>;
}

/** What a line is handed. */
export interface LineEnd {
  /** Hears what another process said; what this process said itself, and what was heard before, is passed over. */
  receive(text: string): void;
  /** The line was lost for a while and is back: what was said meanwhile is asked for. */
  recovered(): void;
  close(): void;
}

/** Announcements to the other processes of the same server, if there are any and a plugin has laid a line to them. */
export interface Bus {
  /** Says something, as JSON, to the other processes; this one does not hear it. Waits for nobody; failures are logged. */
  publish(topic: string, message: unknown): void;
  /** Hears what other processes say; returns what ends that. `recovered`: something may have been missed. */
  subscribe(topic: string, listen: (message: unknown) => void, recovered?: () => void): () => void;
  /** Adds a line to other processes; one that was lost is opened again by the plugin that laid it. */
  connect(line: BusLine): LineEnd;
}

/** Messages that are remembered, so that none is heard twice where there are several lines. */
const REMEMBERED = 10_000;

interface Subscriber {
  readonly topic: string;
  readonly listen: (message: unknown) => void;
  readonly recovered: (() => void) | undefined;
}

/** Without a line it is a bus of one. */
export function createBus(log: Logger): Bus {
  const lines = new Set<BusLine>();
  const subscribers = new Set<Subscriber>();
  const heard = new Set<string>();

  /** Whether a message is new. */
  function note(id: string): boolean {
    if (heard.has(id)) return false;
    heard.add(id);
    if (heard.size > REMEMBERED) heard.delete(heard.values().next().value as string);
    return true;
  }

  function receive(line: string, text: string): void {
    const message = parse(text);
    if (!message) log.warn({ line }, "an announcement could not be read");
    else if (note(message.id)) {
      for (const { topic, listen } of subscribers) if (topic === message.topic) listen(message.message);
    }
  }

  return {
    publish(topic, message) {
      if (lines.size === 0) return;
      const id = randomUUID();
      note(id);
      const text = JSON.stringify({ id, topic, message });
      for (const line of lines) {
        Promise.resolve()
          .then(() => line.send(text))
          .catch((err: unknown) => log.warn({ err, line: line.name, topic }, "an announcement was not sent"));
      }
    },
    subscribe(topic, listen, recovered) {
      const subscriber = { topic, listen, recovered };
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    },
    connect(line) {
      lines.add(line);
      return {
        receive: (text) => receive(line.name, text),
        recovered() {
          for (const { recovered } of subscribers) recovered?.();
        },
        close: () => lines.delete(line),
      };
    },
  };
}

interface Message {
  readonly id: string;
  readonly topic: string;
  readonly message: unknown;
}

function parse(text: string): Message | undefined {
  try {
    const { id, topic, message } = JSON.parse(text) as Partial<Message>;
    return typeof id === "string" && typeof topic === "string" ? { id, topic, message } : undefined;
  } catch {
    return undefined;
  }
}
