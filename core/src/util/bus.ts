import { randomUUID } from "node:crypto";
import type { Logger } from "pino";

/** A connection to the other processes: Redis, the channel to workers. It delivers each message to all of them. */
interface Transport {
  readonly name: string;
  /** Sends a text. A promise resolves when all others have received it, or are known to be away; rejects if it could not be sent. */
  send(text: string): unknown;
  /** Sends a request to the other workers of this machine. Resolves with what `receive` returned there. */
  ask?(text: string): Promise<readonly string[]>;
}

/** The bus, as a transport sees it. */
export interface LineEnd {
  /**
   * Receives a message of another process; this process's own messages and duplicates are ignored. All subscribers have been
   * called when this returns; to a request it returns the reply, if there is one.
   */
  receive(text: string): Promise<string | undefined> | undefined;
  /** The connection was lost for a while and is back: messages may have been missed. */
  recovered(): void;
  close(): void;
}

/** Messages to the other processes of the same server, if there are any and a plugin has connected a transport. */
export interface Bus {
  /**
   * Sends a message, as JSON, to the other processes, and not to this one. Resolves when they have received it, or are known
   * to be away; failures are logged. Never rejects.
   */
  publish(topic: string, message: unknown): Promise<void>;
  /** Sends a request to the other workers of this machine. Resolves with the replies. Never rejects. */
  ask(topic: string): Promise<readonly unknown[]>;
  /** Replies to such requests, with something that can be JSON. Returns a function that ends that. */
  answer(topic: string, reply: () => unknown): () => void;
  /** Listens to messages of other processes; returns a function that ends that. `recovered`: messages may have been missed. */
  subscribe(topic: string, listen: (message: unknown) => void, recovered?: () => void): () => void;
  /** Adds a transport; the plugin that connected it opens it again after it was lost. */
  connect(transport: Transport): LineEnd;
}

/** Ids of messages that are stored, so that none is delivered twice if there are several transports. */
const MAX_SEEN = 10_000;

interface Subscriber {
  readonly topic: string;
  readonly listen: (message: unknown) => void;
  readonly recovered: (() => void) | undefined;
}

/** Without a transport there are no other processes. */
export function createBus(log: Logger): Bus {
  const transports = new Set<Transport>();
  const replies = new Map<string, () => unknown>();
  const subscribers = new Set<Subscriber>();
  const seen = new Set<string>();

  /** Whether a message is new. */
  function note(id: string): boolean {
    if (seen.has(id)) return false;
    seen.add(id);
    if (seen.size > MAX_SEEN) seen.delete(seen.values().next().value as string);
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

  async function requestFrom({ name, ask }: Transport, topic: string, text: string): Promise<unknown[]> {
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
      if (transports.size === 0) return;
      const id = randomUUID();
      note(id);
      const text = JSON.stringify({ id, topic, message });
      const sent = [...transports].map(async (transport) => {
        try {
          await transport.send(text);
        } catch (err) {
          log.warn({ err, line: transport.name, topic }, "sending a bus message failed");
        }
      });
      await Promise.all(sent);
    },
    async ask(topic) {
      const text = JSON.stringify({ id: randomUUID(), topic, asks: true });
      return (
        await Promise.all([...transports].map((transport) => requestFrom(transport, topic, text)))
      ).flat();
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
    connect(transport) {
      transports.add(transport);
      return {
        receive: (text) => receive(transport.name, text),
        recovered() {
          for (const { recovered } of subscribers) recovered?.();
        },
        close: () => transports.delete(transport),
      };
    },
  };
}

interface Message {
  readonly id: string;
  readonly topic: string;
  readonly message: unknown;
  /** It is a request, which expects a reply. */
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
