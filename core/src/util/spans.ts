import type { Span, Spans } from "../model/spans.ts";

/** A class, because each request has one: closures for its methods would be made every time. */
class SpanList implements Spans {
  readonly list: Span[] = [];

  add(name: string, duration: number, description?: string, start = performance.now() - duration): void {
    this.list.push({ name, start, duration, ...(description === undefined ? {} : { description }) });
  }

  async measure<T>(name: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      return await work();
    } finally {
      this.add(name, performance.now() - start);
    }
  }
}

export const createSpans = (): Spans => new SpanList();
