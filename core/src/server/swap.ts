import type { IncomingMessage, ServerResponse } from "node:http";
import type { Runtime } from "../http/runtime.ts";

type Handler = (req: IncomingMessage, res: ServerResponse) => Promise<void>;

/** A runtime with the requests that it answers. */
interface Reign {
  readonly runtime: Runtime;
  readonly handle: Handler;
  requests: number;
  /** Its last request has ended. */
  onIdle: () => void;
}

/** Runtimes one after the other: requests meet the newest, and an older one ends with its last request. */
export function createSuccession(first: Runtime, handlerOf: (runtime: Runtime) => Handler) {
  const begin = (runtime: Runtime): Reign => {
    return { runtime, handle: handlerOf(runtime), requests: 0, onIdle: () => {} };
  };
  const retired = new Set<Reign>();
  let current = begin(first);

  /** Lets a runtime end what it began, work behind answers included. */
  async function retire(reign: Reign): Promise<void> {
    retired.add(reign);
    if (reign.requests > 0) {
      await new Promise<void>((resolve) => {
        reign.onIdle = resolve;
      });
    }
    await reign.runtime.pipeline.renders.idle();
    await reign.runtime.stop();
    retired.delete(reign);
  }

  return {
    get runtime() {
      return current.runtime;
    },
    /** Answers a request; resolves when nothing of it goes on any more. */
    async serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
      const reign = current;
      reign.requests++;
      await Promise.allSettled([reign.handle(req, res), gone(req, res)]);
      if (--reign.requests === 0) reign.onIdle();
    },
    follow(runtime: Runtime): void {
      const old = current;
      current = begin(runtime);
      void retire(old);
    },
    /** Stops all of them, whatever they do. */
    async stop(): Promise<void> {
      await Promise.all([current, ...retired].map(({ runtime }) => runtime.stop()));
    },
  };
}

/** An answer was sent, or its connection is gone. */
function gone({ socket }: IncomingMessage, res: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      res.off("close", end);
      socket.off("close", end);
      resolve();
    };
    if (res.closed || socket.destroyed) return resolve();
    res.on("close", end);
    // An answer that waits behind another one on its connection does not hear of the end.
    socket.on("close", end);
  });
}
