import type { IncomingMessage, ServerResponse } from "node:http";
import type { Handler } from "../http/app.ts";
import type { Runtime } from "../http/runtime.ts";

/** A runtime with its running requests. */
interface Serving {
  readonly runtime: Runtime;
  readonly handle: Handler;
  requests: number;
  /** Called when its last request has ended. */
  onIdle: () => void;
}

/** Runtimes one after the other: new requests go to the newest, and an older one stops after its last request. */
export function createSwap(first: Runtime, handlerOf: (runtime: Runtime) => Handler) {
  const begin = (runtime: Runtime): Serving => {
    return { runtime, handle: handlerOf(runtime), requests: 0, onIdle: () => {} };
  };
  const draining = new Set<Serving>();
  let current = begin(first);

  /** Lets a runtime finish what it began, work in the background included. */
  async function drain(old: Serving): Promise<void> {
    draining.add(old);
    if (old.requests > 0) {
      await new Promise<void>((resolve) => {
        old.onIdle = resolve;
      });
    }
    await old.runtime.pipeline.renders.idle();
    await old.runtime.stop();
    draining.delete(old);
  }

  return {
    get runtime() {
      return current.runtime;
    },
    /** Answers a request, and calls `onEnd` when nothing of it goes on any more. */
    serve(req: IncomingMessage, res: ServerResponse, onEnd: () => void): void {
      const serving = current;
      serving.requests++;
      let open = 2;
      const end = () => {
        if (--open > 0) return;
        onEnd();
        if (--serving.requests === 0) serving.onIdle();
      };
      onGone(req, res, end);
      const handled = serving.handle(req, res);
      if (handled instanceof Promise) handled.then(end, end);
      else end();
    },
    activate(runtime: Runtime): void {
      const old = current;
      current = begin(runtime);
      void drain(old);
    },
    /** Stops all of them, whatever they do. */
    async stop(): Promise<void> {
      await Promise.all([current, ...draining].map(({ runtime }) => runtime.stop()));
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
  // A response that waits behind another one on its connection has no socket yet, and gets no event for its end.
  const end = () => {
    res.off("close", end);
    socket.off("close", end);
    call();
  };
  res.on("close", end);
  socket.on("close", end);
}
