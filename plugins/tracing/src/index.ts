import {
  didYouMean,
  MediaError,
  type Plugin,
  type Report,
  type Spans,
  type Trace,
  type Work,
} from "@mediatap/core";
import {
  type Attributes,
  type Context,
  context,
  defaultTextMapGetter,
  type Link,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace as traces,
} from "@opentelemetry/api";
import {
  attemptAttributes,
  methodOf,
  outcomeAttributes,
  planAttributes,
  renderAttributes,
  requestAttributes,
  responseAttributes,
} from "./attributes.ts";
import { clock } from "./clock.ts";
import { createRecent } from "./recent.ts";

const NAME = "tracing";
const VERSION = "0.1.0";

/** Renders whose span contexts are stored, for links from coalesced requests. */
const MAX_RENDERS = 1000;

export interface TracingOptions {
  /** Called when the server has stopped, before the process ends: sends the SDK's buffered spans. @default nothing */
  readonly shutdown?: (() => Promise<unknown>) | undefined;
}

/**
 * Spans for OpenTelemetry: one for each exchange, for each render, for each attempt at an origin, and for each phase of a
 * render, with the request's `traceparent` as their parent. They go to whatever tracer provider the process has
 * registered; without one nothing is made. Requests to origins carry the span of the attempt as their `traceparent`.
 */
export function tracing(options: TracingOptions = {}): Plugin {
  const { shutdown } = checked(options);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, shared }) {
      // When the last configuration with it ends, not with each that is replaced.
      if (shutdown) hooks.start.tap(NAME, () => void shared(NAME, () => ({ close: shutdown })));
      const tracer = traces.getTracer("@mediatap/tracing", VERSION);
      /** Spans of work that has begun, by the object that is in its report. */
      const open = new WeakMap<object, Span>();
      const contexts = new WeakMap<Trace, Context>();
      const renderSpans = createRecent<string, SpanContext>(MAX_RENDERS);

      hooks.trace.tap(NAME, (work, parent) => {
        const parentContext = (parent && contexts.get(parent)) ?? parentOf(work);
        const { name, kind, attributes, start } = describe(work);
        const span = tracer.startSpan(name, { kind, attributes, startTime: clock(start) }, parentContext);
        const { traceId, spanId, traceFlags, traceState } = span.spanContext();
        // Without a provider there is no span, and the core propagates the client's trace itself.
        if (!traces.isSpanContextValid(span.spanContext())) return undefined;
        open.set(subject(work), span);
        if (work.kind === "render") renderSpans.set(work.context.key, span.spanContext());
        const within = traces.setSpan(parentContext, span);
        const state = traceState?.serialize();
        const own: Trace = {
          id: traceId,
          parent: spanId,
          flags: (traceFlags & 0xff).toString(16).padStart(2, "0"),
          ...(state ? { state } : {}),
          within: (run) => context.with(within, run),
        };
        contexts.set(own, within);
        return own;
      });

      hooks.report.tap(NAME, (report) => {
        const span = open.get(subject(report));
        if (!span) return;
        if (span.isRecording()) complete(span, report);
        span.end();
      });

      function complete(span: Span, report: Report): void {
        const { error } = report.kind === "exchange" ? report.exchange : report;
        if (report.kind === "exchange") {
          const { exchange, bytes } = report;
          span.setAttributes(responseAttributes(exchange, bytes));
          const waitedFor =
            exchange.cache?.collapsed && exchange.key ? renderSpans.get(exchange.key) : undefined;
          if (waitedFor) span.addLink({ context: waitedFor } satisfies Link);
          // Of a server span only 5xx is an error: a 404 is the client's (HTTP semantic conventions).
          if ((exchange.reply?.status ?? 0) < 500) return;
        }
        if (report.kind === "render") {
          if (report.plan) span.setAttributes(planAttributes(report.plan));
          phases(span, report.spans);
        }
        if (report.kind === "attempt") span.setAttributes(outcomeAttributes(report.outcome));
        if (!error) return;
        span.setAttribute("error.type", error.code);
        span.setStatus({ code: SpanStatusCode.ERROR, message: error.message });
      }

      /** The recorded phases of the render; attempts have their own spans. */
      function phases(parent: Span, { list }: Spans): void {
        const parentContext = traces.setSpan(ROOT_CONTEXT, parent);
        for (const { name, start, duration, description } of list) {
          if (/^origin-\d+$/.test(name)) continue;
          const attributes = description === undefined ? {} : { "mediatap.description": description };
          const options = { kind: SpanKind.INTERNAL, attributes, startTime: clock(start) };
          tracer.startSpan(name, options, parentContext).end(clock(start + duration));
        }
      }
    },
  };
}

export default tracing;

/** The options, checked without a library: there is only one. */
function checked(options: TracingOptions): TracingOptions {
  for (const [field, value] of Object.entries(options)) {
    if (field !== "shutdown") {
      throw new MediaError("ECONFIG", `${NAME}.${field}: unknown field${didYouMean(field, ["shutdown"])}`);
    }
    if (value !== undefined && typeof value !== "function") {
      throw new MediaError("ECONFIG", `${NAME}.shutdown: Expected a function but received ${typeof value}`);
    }
  }
  return options;
}

/** The object that is the same at the beginning and at the end of work. */
function subject(of: Work | Report): object {
  if (of.kind === "exchange") return of.exchange;
  return of.kind === "render" ? of.context : of.attempt;
}

/** The parent of work that is part of no other work: the client's trace, or none. */
function parentOf(work: Work): Context {
  if (work.kind !== "exchange") return ROOT_CONTEXT;
  const { request } = work.exchange;
  const carrier = {
    traceparent: request.header("traceparent") ?? "",
    tracestate: request.header("tracestate") ?? "",
    baggage: request.header("baggage") ?? "",
  };
  return propagation.extract(ROOT_CONTEXT, carrier, defaultTextMapGetter);
}

interface Description {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  /** By `performance.now()`. */
  readonly start: number;
}

function describe(work: Work): Description {
  switch (work.kind) {
    case "exchange": {
      const { exchange } = work;
      return {
        // There is no route, and a path would be a name of its own for each picture.
        name: methodOf(exchange) === "_OTHER" ? "HTTP" : methodOf(exchange),
        kind: SpanKind.SERVER,
        attributes: requestAttributes(exchange),
        start: exchange.started,
      };
    }
    case "render":
      return {
        name: "render",
        kind: SpanKind.INTERNAL,
        attributes: renderAttributes(work.job, work.context.key),
        start: performance.now(),
      };
    case "attempt":
      return {
        name: `origin ${work.attempt.origin}`,
        kind: SpanKind.CLIENT,
        attributes: attemptAttributes(work.attempt),
        start: performance.now(),
      };
  }
}
