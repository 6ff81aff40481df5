/** Characters of a name that are kept. */
export const MAX_NAME_LENGTH = 256;

/** Bytes that weigh as much as one request, so that both the most requested and the largest names are kept. */
const BYTES_PER_REQUEST = 65_536;

/** What was counted for one name since it was admitted, and at most how much weight before. */
interface Entry {
  requests: number;
  bytes: number;
  readonly missed: number;
}

/** A name with what was counted for it: never more than there was. */
export interface NameCount {
  readonly name: string;
  readonly requests: number;
  readonly bytes: number;
}

/** A sketch as JSON: names that were dropped weighed at most `floor`. */
export interface SketchData {
  readonly floor: number;
  readonly names: readonly (readonly [name: string, requests: number, bytes: number, missed: number])[];
}

/** The weight of a count. */
export const weightOf = ({ requests, bytes }: { readonly requests: number; readonly bytes: number }) =>
  requests + bytes / BYTES_PER_REQUEST;

/**
 * The heaviest names of a stream, in bounded memory: the space-saving sketch (Metwally, Agrawal, El Abbadi 2005) in batches, merged as
 * in "Mergeable Summaries" (Agarwal et al. 2012). It has at most twice `capacity` names. Of a total weight W, each name that weighs more
 * than W / `capacity` is in it, and no count is more than W / `capacity` too low.
 */
export class Sketch {
  readonly #capacity: number;
  readonly #entries = new Map<string, Entry>();
  #floor = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Most that a name weighs which is not in it. */
  get floor(): number {
    return this.#floor;
  }

  add(name: string, bytes: number, requests = 1): void {
    const key = name.length > MAX_NAME_LENGTH ? name.slice(0, MAX_NAME_LENGTH) : name;
    const entry = this.#entries.get(key);
    if (entry) {
      entry.requests += requests;
      entry.bytes += bytes;
    } else this.#admit(key, { requests, bytes, missed: this.#floor });
  }

  /** Adds what another one has counted. */
  merge({ floor, names }: SketchData): void {
    const own = this.#floor;
    const others = new Set<string>();
    for (const [name, requests, bytes, missed] of names) {
      others.add(name);
      const known = this.#entries.get(name);
      const missedBefore = known ? known.missed : own;
      this.#entries.set(name, {
        requests: requests + (known?.requests ?? 0),
        bytes: bytes + (known?.bytes ?? 0),
        missed: missed + missedBefore,
      });
    }
    if (floor > 0) {
      for (const [name, entry] of this.#entries) {
        if (!others.has(name)) this.#entries.set(name, { ...entry, missed: entry.missed + floor });
      }
    }
    this.#floor = own + floor;
    if (this.#entries.size > 2 * this.#capacity) this.#compact();
  }

  /** The heaviest first. */
  top(): NameCount[] {
    return [...this.#entries]
      .map(([name, { requests, bytes }]) => ({ name, requests, bytes }))
      .sort((a, b) => weightOf(b) - weightOf(a) || (a.name < b.name ? -1 : 1));
  }

  /** As JSON, at most `capacity` names. */
  data(): SketchData {
    if (this.#entries.size > this.#capacity) this.#compact();
    const names = [...this.#entries].map(
      ([name, { requests, bytes, missed }]) => [name, requests, bytes, missed] as const,
    );
    return { floor: this.#floor, names };
  }

  #admit(key: string, entry: Entry): void {
    // A copy: a slice of a URL would keep the whole URL in memory.
    this.#entries.set(JSON.parse(JSON.stringify(key)) as string, entry);
    if (this.#entries.size > 2 * this.#capacity) this.#compact();
  }

  /** Keeps the heaviest names, by the most that each may weigh. */
  #compact(): void {
    const most = ({ missed, ...count }: Entry) => missed + weightOf(count);
    const sorted = [...this.#entries].sort(([, a], [, b]) => most(b) - most(a));
    const [, lightest] = sorted[this.#capacity] ?? [];
    if (!lightest) return;
    this.#floor = Math.max(this.#floor, most(lightest));
    for (const [name] of sorted.slice(this.#capacity)) this.#entries.delete(name);
  }
}
