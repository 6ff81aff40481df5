import type { Lock, PluginApi, RenderContext } from "@mediatap/core";
import { isVideoPath } from "@mediatap/core/storage";

/** Milliseconds that a copy which another machine is making is waited for; then the origin is asked here, too. */
const PATIENCE = 5_000;

/** A lock that this process has. */
interface Held {
  readonly lock: Lock;
  /** The names that the copy may have. */
  readonly names: readonly string[];
  /** Those that wanted it and are under way. */
  readonly renders: Set<RenderContext>;
  saving: number;
}

export interface Wanted {
  readonly path: string;
  /** The names that its copy may have, one an origin. */
  readonly names: readonly string[];
  /** Work that began before is out of date; as of `monotonicNow()`. */
  readonly since: number;
}

/** One machine copies an original that nobody has, and the others read the copy. */
export function createCopyLeases(locks: PluginApi["cluster"]["locks"], place: string) {
  const held = new Map<string, Held>();
  const asking = new Map<string, Promise<"mine" | "made" | "unknown">>();

  async function ask(name: string, names: readonly string[], since: number) {
    try {
      const signal = AbortSignal.timeout(PATIENCE);
      const claimed = await locks.acquire(`copy ${place} ${name}`, { signal, since });
      if (!claimed) return "unknown";
      if ("outcome" in claimed) return "made";
      const entry: Held = { lock: claimed, names, renders: new Set(), saving: 0 };
      for (const own of names) held.set(own, entry);
      return "mine";
    } catch {
      return "unknown";
    } finally {
      asking.delete(name);
    }
  }

  function release(entry: Held): void {
    for (const name of entry.names) if (held.get(name) === entry) held.delete(name);
    entry.lock.release("over");
  }

  return {
    /** Whether to look for the copy once more: another machine has made it meanwhile. */
    async wait({ path, names, since }: Wanted, context: RenderContext): Promise<boolean> {
      if (!locks.isUsed || names.length === 0 || isVideoPath(path)) return false;
      const name = names.join(" ");
      let answer: "mine" | "made" | "unknown" = "mine";
      if (!names.some((own) => held.has(own))) {
        let asked = asking.get(name);
        if (!asked) {
          asked = ask(name, names, since);
          asking.set(name, asked);
        }
        answer = await asked;
      }
      // Who joins the work of this process shares its download.
      if (answer === "mine") {
        const entry = names.map((own) => held.get(own)).find(Boolean);
        if (!context.signal.aborted) entry?.renders.add(context);
        else if (entry && entry.renders.size === 0 && entry.saving === 0) release(entry);
      }
      context.signal.throwIfAborted();
      return answer === "made";
    },
    /** A copy is written; its end is that of the lease. */
    async saving(name: string, work: Promise<void>): Promise<void> {
      const entry = held.get(name);
      if (entry) entry.saving++;
      try {
        await work;
      } finally {
        if (entry && --entry.saving === 0) release(entry);
      }
    },
    /** There will be no copy of it. */
    none(name: string): void {
      const entry = held.get(name);
      if (entry && entry.saving === 0) release(entry);
    },
    /** A render has ended. */
    ended(context: RenderContext): void {
      for (const entry of new Set(held.values())) {
        if (entry.renders.delete(context) && entry.renders.size === 0 && entry.saving === 0) release(entry);
      }
    },
  };
}

export type CopyLeases = ReturnType<typeof createCopyLeases>;
