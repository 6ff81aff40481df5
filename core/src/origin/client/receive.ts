import { Readable } from "node:stream";
import type { Dispatcher } from "undici";
import type { Clock } from "./clock.ts";

/** A response, as soon as its headers are there. */
export interface Received {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: ReceivedBody;
}

export interface ReceiveOptions {
  /** Ends the request, or the body, with its reason. */
  readonly signal: AbortSignal;
  /** Runs while the body waits for the origin: a slow reader does not use up the origin's time. */
  readonly clock: Clock;
  /** The error that the reader of the body gets for a failure. */
  readonly failure: (error: Error) => Error;
  /** An interim response (1xx) has come. */
  readonly onInterim: () => void;
}

/**
 * Sends one request. Its body is one stream, without the adapters of `Dispatcher.request`. Rejects if there is no response.
 */
export function receive(
  dispatcher: Dispatcher,
  request: Dispatcher.DispatchOptions,
  options: ReceiveOptions,
): Promise<Received> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    let current: Dispatcher.DispatchController | undefined;
    let body: ReceivedBody | undefined;
    const end = (error: Error) => {
      signal.removeEventListener("abort", onAbort);
      if (body) body.destroy(options.failure(error));
      else reject(error);
    };
    const onAbort = () => {
      end(signal.reason);
      current?.abort(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    dispatcher.dispatch(request, {
      onRequestStart(controller) {
        current = controller;
        // It has waited for a connection until nobody waits for it.
        if (signal.aborted) controller.abort(signal.reason);
      },
      onResponseStart(controller, status, headers) {
        if (status < 200) return options.onInterim();
        body = new ReceivedBody(controller, options);
        body.once("close", () => signal.removeEventListener("abort", onAbort));
        resolve({ status, headers, body });
      },
      onResponseData: (_, chunk) => body?.receive(chunk),
      onResponseEnd: () => body?.end(),
      onResponseError: (_, error) => end(error),
    });
  });
}

/** The body of a response, at the pace of its reader. Destroying it frees the connection. */
class ReceivedBody extends Readable {
  readonly #controller: Dispatcher.DispatchController;
  readonly #options: ReceiveOptions;
  #isComplete = false;

  constructor(controller: Dispatcher.DispatchController, options: ReceiveOptions) {
    super();
    this.#controller = controller;
    this.#options = options;
    options.clock.pause();
    // A failure while nobody listens reaches whoever reads later; without a listener it would end the process.
    this.on("error", () => undefined);
  }

  receive(chunk: Buffer): void {
    if (this.push(chunk)) return;
    this.#controller.pause();
    this.#options.clock.pause();
  }

  end(): void {
    this.#isComplete = true;
    this.#options.clock.pause();
    // undici uses a connection again one turn of the event loop later: whoever reads on then needs no second connection.
    process.nextTick(() => setImmediate(() => this.push(null)));
  }

  override _read(): void {
    if (this.#isComplete) return;
    this.#options.clock.run();
    this.#controller.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#options.clock.pause();
    if (!this.#isComplete) this.#controller.abort(error ?? new Error("nobody reads on"));
    callback(error);
  }
}
