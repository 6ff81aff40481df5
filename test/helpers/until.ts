import { setTimeout as delay } from "node:timers/promises";

/** Longest wait. It only ends a test that fails, so it is far longer than what a busy machine needs. */
const TIMEOUT_MS = 120_000;
const INTERVAL_MS = 10;

/** Milliseconds of a clock that no test moves. */
const now = () => Number(process.hrtime.bigint() / 1_000_000n);

/**
 * Waits until a condition is true (truthy) and resolves with what it returned. Rejects after two minutes with `what`: the state
 * that the test waits for, such as "the entry is removed". An error of the condition rejects at once.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
): Promise<Exclude<NonNullable<T>, false>> {
  for (const end = now() + TIMEOUT_MS; ; ) {
    const result = await condition();
    if (result) return result as Exclude<NonNullable<T>, false>;
    if (now() > end) throw new Error(`Never happened: ${what}`);
    await delay(INTERVAL_MS);
  }
}
