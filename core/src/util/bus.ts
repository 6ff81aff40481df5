import { randomUUID } from "node:crypto";
import type { Logger } from "pino";

/** A way to the other processes: Redis, the channel to workers. Everything that it is given, every other process hears. */
interface BusLine {
  readonly name: string;
  /** Sends a text. A promise resolves when all others have received it, or are known to be away; rejects if it could not be sent. */
  send(text: string): unknown;
  /** Sends a question to the processes that answer for the same server on this machine. Resolves with what `receive` returned there. */
  ask?(text: string): Promise<readonly string[]>;
}

/** What a line is handed. */
export interface LineEnd {
  /**
   * Hears what another process said; what this process said itself, and what was heard before, is passed over. Everybody
   * here has heard it when this returns; to a question it returns the answer, if there is one.
   */
  receive(text: string): Promise<string | undefined> | undefined;
  /** The line was lost for a while and is back: what was said meanwhile is asked for. */
  recovered(): void;
  close(): void;
}

/** Announcements to the other processes of the same server, if there are any and a plugin has laid a line to them. */
export interface Bus {
  /**
   * Says something, as JSON, to the other processes; this one does not hear it. Resolves when they have heard it, or are known
   * to be away; failures are logged. Never rejects.
   */
  publish(topic: string, message: unknown): Promise<void>;
  /** Asks the other workers of this machine. Resolves with the answers of those that have one. Never rejects. */
  ask(topic: string): Promise<readonly unknown[]>;
  /** Answers such a question, with something that can be JSON. Returns what ends that. */
  answer(topic: string, reply: () => unknown): () => void;
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
  const replies = new Map<string, () => unknown>();
  const subscribers = new Set<Subscriber>();
  const heard = new Set<string>();

  /** Whether a message is new. */
  function note(id: string): boolean {
    if (heard.has(id)) return false;
    heard.add(id);
    if (heard.size > REMEMBERED) heard.delete(heard.values().next().value as string);
    return true;
  }

  function receive(line: string, text: string): Promise<string | undefined> | undefined {
    const message = parse(text);
    if (!message) log.warn({ line }, "invalid bus message");
    else if (message.asks) return replyTo(message.topic);
    else if (note(message.id)) {
      for (const { topic, listen } of subscribers) if (topic === message.topic) listen(message.message);
    }
    return undefined;
  }

  async function replyTo(topic: string): Promise<string | undefined> {
    try {
      return JSON.stringify(await replies.get(topic)?.());
    } catch (err) {
      log.warn({ err, topic }, "handling a request of another worker failed");
      return undefined;
    }
  }

  async function askLine({ name, ask }: BusLine, topic: string, text: string): Promise<unknown[]> {
    try {
      const answers = (await ask?.(text)) ?? [];
      return answers.map((answer) => JSON.parse(answer) as unknown);
    } catch (err) {
      log.warn({ err, line: name, topic }, "a request to the other workers failed");
      return [];
    }
  }

  return {
    async publish(topic, message) {
      if (lines.size === 0) return;
      const id = randomUUID();
      note(id);
      const text = JSON.stringify({ id, topic, message });
      const sent = [...lines].map(async (line) => {
        try {
          await line.send(text);
        } catch (err) {
          log.warn({ err, line: line.name, topic }, "sending a bus message failed");
        }
      });
      await Promise.all(sent);
    },
    async ask(topic) {
      const text = JSON.stringify({ id: randomUUID(), topic, asks: true });
      return (await Promise.all([...lines].map((line) => askLine(line, topic, text)))).flat();
    },
    answer(topic, reply) {
      replies.set(topic, reply);
      return () => replies.get(topic) === reply && replies.delete(topic);
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
  /** It is a question. */
  readonly asks: boolean;
}

function parse(text: string): Message | undefined {
  try {
    const { id, topic, message, asks = false } = JSON.parse(text) as Partial<Message>;
    return typeof id === "string" && typeof topic === "string" ? { id, topic, message, asks } : undefined;
  } catch {
    return undefined;
  }
}
