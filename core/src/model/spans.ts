/** Time that a phase of the work took. */
export interface Span {
  readonly name: string;
  /** When it began, by `performance.now()`. */
  readonly start: number;
  /** Milliseconds. */
  readonly duration: number;
  readonly description?: string;
}

/** Collects spans. */
export interface Spans {
  readonly list: readonly Span[];
  /** Notes a phase. `start`: when it began. @default `duration` ago */
  add(name: string, duration: number, description?: string, start?: number): void;
  /** Runs `work` and notes how long it took, also when it fails. */
  measure<T>(name: string, work: () => Promise<T>): Promise<T>;
}
