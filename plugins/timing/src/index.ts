import { type Plugin, type Span, Stage } from "@mediatap/core";

const NAME = "timing";

/**
 * Writes `Server-Timing`: the duration of each phase of a request, in milliseconds. `download` and `transformation` are there
 * if that work was done for the response; `cache` contains the outcome of the caches, and `total` the total duration.
 */
export function timing(): Plugin {
  return {
    name: NAME,
    version: "0.1.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.respond.tap({ name: NAME, stage: Stage.last }, (reply, exchange) => {
        const { cache, spans, started } = exchange;
        const entries = spans.list.length > 0 ? merged(spans.list).map(metric) : [];
        if (cache) entries.unshift(`cache;desc=${cache.hit ? "hit" : (cache.forward ?? "miss")}`);
        entries.push(`total;dur=${rounded(performance.now() - started)}`);
        reply.headers["server-timing"] = entries.join(", ");
      });
    },
  };
}

/** One span per name: phases that ran several times are added up, and their descriptions joined. */
function merged(spans: readonly Span[]): Span[] {
  const byName = new Map<string, Span>();
  for (const span of spans) {
    const known = byName.get(span.name);
    byName.set(span.name, known ? sum(known, span) : span);
  }
  return [...byName.values()];
}

/** Descriptions are joined without a comma: simple parsers split the header there. */
function sum(a: Span, b: Span): Span {
  const descriptions = [...new Set([a.description, b.description].filter((text) => text !== undefined))].join(
    " + ",
  );
  return {
    ...a,
    duration: a.duration + b.duration,
    ...(descriptions === "" ? {} : { description: descriptions }),
  };
}

/** `name;dur=1.23;desc="…"` (W3C Server Timing). */
function metric({ name, duration, description }: Span): string {
  const quoted =
    description === undefined ? "" : `;desc="${description.replace(/[^\x20-\x7e]|["\\]/g, "_")}"`;
  return `${name};dur=${rounded(duration)}${quoted}`;
}

function rounded(milliseconds: number): string {
  return milliseconds.toFixed(1);
}

export default timing;
