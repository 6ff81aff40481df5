import { MediaError } from "../model/errors.ts";
import { TransientMap } from "../util/transient-map.ts";

interface Wait {
  readonly since: number;
  reject(reason: MediaError): void;
}

/** Waits for work, but not for ever. */
export type Within = <T>(work: Promise<T>) => Promise<T>;

/**
 * Ends waits that last longer than `limit` milliseconds with `ETIMEDOUT`, whatever the work hangs in. One timer looks
 * after all of them, because most end long before it would matter.
 */
export function createDeadline(limit: number): Within {
  const waits = new TransientMap<number, Wait>();
  let last = 0;
  let timer: NodeJS.Timeout | undefined;

  function look(): void {
    const oldest = performance.now() - limit;
    for (const [id, { since, reject }] of waits.entries()) {
      if (since > oldest) return;
      waits.delete(id);
      reject(new MediaError("ETIMEDOUT", "The request took too long"));
    }
    clearInterval(timer);
    timer = undefined;
  }

  return (work) =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waits.set(id, { since: performance.now(), reject });
      timer ??= setInterval(look, Math.max(10, Math.min(1_000, limit / 4))).unref();
      work.then(resolve, reject).finally(() => waits.delete(id));
    });
}
