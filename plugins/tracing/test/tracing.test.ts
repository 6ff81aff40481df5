import assert from "node:assert/strict";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import { makePng, startOrigin, startServer, type TestServer, type WebOrigin } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { context, propagation, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { AsyncLocalStorageContextManager } from "@opentelemetry/context-async-hooks";
import { W3CTraceContextPropagator } from "@opentelemetry/core";
import {
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import { tracing } from "../src/index.ts";

const picture = makePng(60, 40, () => [200, 30, 30, 255]);
const ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("tracing", () => {
  const exporter = new InMemorySpanExporter();
  let origin: WebOrigin;
  let server: TestServer;

  before(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
    propagation.setGlobalPropagator(new W3CTraceContextPropagator());
    trace.setGlobalTracerProvider(
      new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
    );
  });
  after(() => {
    context.disable();
    propagation.disable();
    trace.disable();
  });

  beforeEach(async () => {
    origin = await startOrigin({
      "a.png": picture,
      "slow.png": { answer: () => {} },
      "broken.png": { answer: (_, response) => response.writeHead(403).end() },
    });
    server = await startServer(config());
    exporter.reset();
  });
  afterEach(async () => {
    await server.close();
    await origin.close();
  });

  const config = (): MediatapConfig => ({
    plugins: [urlImagekit(), storageWeb(), imageSharp(), tracing()],
    origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
    endpoints: { default: { origins: ["site"] } },
  });

  /** The spans of one request, once its own has ended. */
  async function ask(path: string, headers: Record<string, string> = {}) {
    const answer = await server.ask(path, { headers });
    await ended(SpanKind.SERVER);
    return { answer, spans: exporter.getFinishedSpans() };
  }

  async function ended(kind: SpanKind, count = 1): Promise<ReadableSpan[]> {
    for (;;) {
      const found = exporter.getFinishedSpans().filter((span) => span.kind === kind);
      if (found.length >= count) return found;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  function one(spans: readonly ReadableSpan[], name: string): ReadableSpan {
    const found = spans.filter((span) => span.name === name);
    assert.equal(found.length, 1, `one span ${name} of ${spans.map((span) => span.name)}`);
    return found[0] as ReadableSpan;
  }

  const idOf = (span: ReadableSpan) => span.spanContext().spanId;
  const time = ([seconds, nanoseconds]: readonly [number, number]) => seconds * 1000 + nanoseconds / 1e6;

  it("spans exchange, render, attempt and phases, each under the one that it belongs to", async () => {
    const { spans } = await ask("/tr:w-20/a.png");
    const exchange = one(spans, "GET");
    const context = one(spans, "render");
    const attempt = one(spans, "origin site");
    assert.equal(exchange.kind, SpanKind.SERVER);
    assert.equal(exchange.parentSpanContext, undefined);
    assert.equal(context.parentSpanContext?.spanId, idOf(exchange));
    assert.equal(attempt.parentSpanContext?.spanId, idOf(context));
    for (const phase of ["download", "plan", "queue", "transformation"]) {
      const span = one(spans, phase);
      assert.equal(span.parentSpanContext?.spanId, idOf(context), phase);
      assert.ok(time(span.startTime) >= time(context.startTime) - 1, phase);
      assert.ok(time(span.endTime) <= time(context.endTime) + 1, phase);
    }
    assert.equal(new Set(spans.map((span) => span.spanContext().traceId)).size, 1);
    assert.equal(spans.length, 7);
  });

  it("describes a request in the words of the semantic conventions, its signature masked", async () => {
    const { spans } = await ask("/tr:w-20/a.png?v=2&ik-s=abcdef", { "user-agent": "test/1" });
    const { attributes, status } = one(spans, "GET");
    assert.equal(attributes["http.request.method"], "GET");
    assert.equal(attributes["url.path"], "/tr:w-20/a.png");
    assert.equal(attributes["url.query"], "v=2&ik-s=***");
    assert.equal(attributes["server.address"], "127.0.0.1");
    assert.equal(attributes["client.address"], "127.0.0.1");
    assert.equal(attributes["user_agent.original"], "test/1");
    assert.equal(typeof attributes["http.response.status_code"], "number");
    assert.equal(status.code, SpanStatusCode.UNSET);
  });

  it("tells what came of it", async () => {
    const { answer, spans } = await ask("/tr:w-20/a.png");
    const { attributes } = one(spans, "GET");
    assert.equal(attributes["http.response.status_code"], 200);
    assert.equal(attributes["http.response.body.size"], answer.body.length);
    assert.equal(attributes["mediatap.provenance"], "real");
    assert.equal(attributes["mediatap.cache.hit"], false);
    assert.equal(attributes["mediatap.request.id"], answer.headers["x-request-id"]);
    assert.equal(one(spans, "render").attributes["mediatap.engine"], "image-sharp");
    assert.equal(one(spans, "origin site").attributes["mediatap.outcome"], "found");
  });

  it("goes on with the client's trace, and origins with this one", async () => {
    const { spans } = await ask("/a.png", { traceparent: `00-${ID}-${SPAN}-01`, tracestate: "shop=7" });
    const exchange = one(spans, "GET");
    assert.equal(exchange.spanContext().traceId, ID);
    assert.equal(exchange.parentSpanContext?.spanId, SPAN);
    const heard = origin.requests[0]?.headers;
    assert.equal(heard?.traceparent, `00-${ID}-${idOf(one(spans, "origin site"))}-01`);
    assert.equal(heard?.tracestate, "shop=7");
  });

  it("records nothing of a trace that its client does not record, and passes that on", async () => {
    await server.ask("/a.png", { headers: { traceparent: `00-${ID}-${SPAN}-00` } });
    await server.ask("/none.png");
    const [first] = await ended(SpanKind.SERVER);
    assert.notEqual(first?.spanContext().traceId, ID);
    assert.match(String(origin.requests[0]?.headers.traceparent), new RegExp(`^00-${ID}-[0-9a-f]{16}-00$`));
  });

  it("marks a failed origin as an error, a missing file for the client as none", async () => {
    const { spans } = await ask("/broken.png");
    const attempt = one(spans, "origin site");
    assert.equal(attempt.status.code, SpanStatusCode.ERROR);
    assert.equal(attempt.attributes["error.type"], "EACCES");
    assert.equal(attempt.attributes["mediatap.outcome"], "failed");
    assert.equal(one(spans, "render").status.code, SpanStatusCode.ERROR);
    const exchange = one(spans, "GET");
    assert.equal(exchange.status.code, SpanStatusCode.UNSET);
    assert.equal(exchange.attributes["error.type"], "EACCES");
    for (const span of spans)
      assert.doesNotMatch(JSON.stringify(span.attributes), new RegExp(`:${origin.port}`));
  });

  it("links those who waited for another's render to it", async () => {
    await Promise.all([server.ask("/tr:w-25/a.png"), server.ask("/tr:w-25/a.png")]);
    const exchanges = await ended(SpanKind.SERVER, 2);
    const context = one(exporter.getFinishedSpans(), "render");
    const waited = exchanges.filter((span) => span.attributes["mediatap.cache.collapsed"] === true);
    assert.equal(waited.length, 1);
    assert.equal(waited[0]?.links[0]?.context.spanId, idOf(context));
  });

  it("ends the spans of work that nobody waited for any more", async () => {
    const leave = new AbortController();
    const asked = server.ask("/slow.png", { signal: leave.signal }).catch(() => undefined);
    await origin.asked("slow.png");
    leave.abort();
    await asked;
    await ended(SpanKind.SERVER);
    const [attempt] = await ended(SpanKind.CLIENT);
    assert.equal(attempt?.attributes["mediatap.outcome"], "aborted");
  });

  it("spans a URL that is wrong, and a method that is none", async () => {
    const { spans } = await ask("/tr:w-x/a.png");
    assert.equal(one(spans, "GET").attributes["http.response.status_code"], 400);
    exporter.reset();
    await server.ask("/a.png", { method: "PURGE" });
    const [span] = await ended(SpanKind.SERVER);
    assert.equal(span?.name, "HTTP");
    assert.equal(span?.attributes["http.request.method"], "_OTHER");
    assert.equal(span?.attributes["http.response.status_code"], 405);
  });

  it("follows the work for whatever else makes spans", async () => {
    const seen: string[] = [];
    await server.close();
    server = await startServer({
      ...config(),
      plugins: [
        ...(config().plugins ?? []),
        {
          name: "test-looker",
          version: "1.0.0",
          apiVersion: 1,
          apply({ hooks }) {
            hooks.transform.tap({ name: "test-looker", stage: -10 }, () => {
              seen.push(trace.getActiveSpan()?.spanContext().spanId ?? "none");
              return undefined;
            });
          },
        },
      ],
    });
    exporter.reset();
    const { spans } = await ask("/tr:w-20/a.png");
    assert.deepEqual(seen, [idOf(one(spans, "render"))]);
  });

  it("lets the SDK end with the server, once", async () => {
    let ended = 0;
    await server.close();
    const shutdown = async () => void ended++;
    server = await startServer({ presets: [config()], plugins: [tracing({ shutdown })] });
    await server.ask("/a.png");
    assert.equal(ended, 0);
    await server.close();
    assert.equal(ended, 1);
    server = await startServer(config());
  });

  it("names the field of a wrong option", () => {
    assert.throws(
      () => tracing({ shutdwn: 1 } as object),
      /tracing\.shutdwn: unknown field, did you mean "shutdown"/,
    );
    assert.throws(() => tracing({ shutdown: 1 } as never), /tracing\.shutdown: Expected a function/);
  });

  it("does nothing where no provider is registered", async () => {
    trace.disable();
    await server.close();
    server = await startServer(config());
    try {
      const { status } = await server.ask("/a.png");
      assert.equal(status, 200);
      assert.equal(exporter.getFinishedSpans().length, 0);
    } finally {
      trace.setGlobalTracerProvider(
        new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }),
      );
    }
  });
});
