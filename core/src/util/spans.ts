import type { Span, Spans } from "../model/spans.ts";

export function createSpans(): Spans {
  const list: Span[] = [];
  const add: Spans["add"] = (name, duration, description, start = performance.now() - duration) => {
    list.push({ name, start, duration, ...(description === undefined ? {} : { description }) });
  };
  return {
    list,
    add,
    async measure(name, work) {
      const start = performance.now();
      try {
        return await work();
      } finally {
        add(name, performance.now() - start);
      }
    },
  };
}
