import type { IncomingMessage, ServerResponse } from "node:http";
import type { Handler } from "../http/app.ts";
import type { Runtime } from "../http/runtime.ts";

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
    /** Answers a request, and calls `onEnd` when nothing of it goes on any more. */
    serve(req: IncomingMessage, res: ServerResponse, onEnd: () => void): void {
      const reign = current;
      reign.requests++;
      let open = 2;
      const end = () => {
        if (--open > 0) return;
        onEnd();
        if (--reign.requests === 0) reign.onIdle();
      };
      onGone(req, res, end);
      const handled = reign.handle(req, res);
      if (handled instanceof Promise) handled.then(end, end);
      else end();
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

/** Calls once a response has been sent, or its connection is gone. */
function onGone({ socket }: IncomingMessage, res: ServerResponse, call: () => void): void {
  if (res.closed || socket.destroyed) {
    call();
    return;
  }
  if (res.socket) {
    res.once("close", call);
    return;
  }
  // A response that waits behind another one on its connection has no socket yet, and does not hear of its end.
  const end = () => {
    res.off("close", end);
    socket.off("close", end);
    call();
  };
  res.on("close", end);
  socket.on("close", end);
}
