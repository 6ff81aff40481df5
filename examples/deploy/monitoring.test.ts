import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startOrigin } from "@mediatap/test";
import { parser } from "@prometheus-io/lezer-promql";
import { parse } from "yaml";
import { plainPicture, serveExample, withEnvironment } from "../serve.ts";

const TOKEN = "token-for-the-test";
/** Labels that Prometheus adds to each series. */
const ADDED = new Set(["job", "instance"]);

interface Selector {
  readonly metric: string;
  readonly labels: ReadonlyMap<string, string | undefined>;
}

interface Query {
  readonly selectors: readonly Selector[];
  /** Labels that the result is grouped by. */
  readonly grouping: readonly string[];
}

interface Rules {
  readonly groups: readonly {
    readonly rules: readonly {
      readonly alert: string;
      readonly expr: string;
      readonly labels: { readonly severity: string };
      readonly annotations: { readonly summary: string; readonly description?: string };
    }[];
  }[];
}

interface Panel {
  readonly title: string;
  readonly type: string;
  readonly gridPos: { readonly x: number; readonly w: number };
  readonly targets?: readonly { readonly expr: string; readonly legendFormat: string }[];
}

interface Dashboard {
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query: unknown }[] };
  readonly annotations: { readonly list: readonly { readonly expr: string }[] };
}

/** What a PromQL expression asks for. Throws if it is none. */
function read(expression: string): Query {
  // Grafana puts its variables in before Prometheus sees them.
  const text = expression.replaceAll(/\$__\w+/g, "5m");
  const selectors: { metric: string; labels: Map<string, string | undefined> }[] = [];
  const grouping: string[] = [];
  const cursor = parser.parse(text).cursor();
  let inGrouping = false;
  do {
    const part = text.slice(cursor.from, cursor.to);
    const selector = selectors.at(-1);
    assert(!cursor.type.isError, `${expression}: cannot be read at '${part}'`);
    if (cursor.name === "GroupingLabels") inGrouping = true;
    else if (cursor.name === "FunctionCallBody" || cursor.name === "VectorSelector") inGrouping = false;
    if (cursor.name === "VectorSelector") selectors.push({ metric: "", labels: new Map() });
    else if (cursor.name === "Identifier" && selector) selector.metric = part;
    else if (cursor.name === "LabelName" && inGrouping) grouping.push(part);
    else if (cursor.name === "UnquotedLabelMatcher" && selector) {
      const [, label = "", operator, value] = /^(\w+)\s*(=~|!~|!=|=)\s*"(.*)"$/.exec(part) ?? [];
      selector.labels.set(label, operator === "=" ? value : undefined);
    }
  } while (cursor.next());
  return { selectors, grouping };
}

describe("example: monitoring of a deployment", () => {
  /** Labels of each metric. */
  let metrics: ReadonlyMap<string, ReadonlySet<string>>;
  let documented: string;
  before(async () => {
    const cache = await mkdtemp(join(tmpdir(), "mediatap-monitoring-"));
    const origin = await startOrigin({ "a.png": await plainPicture(40, 20, "red") });
    const environment = { CACHE_DIR: cache, ORIGIN_URL: origin.url, METRICS_TOKEN: TOKEN };
    const server = await withEnvironment(environment, () => serveExample(import.meta.dirname));
    try {
      for (const path of ["/tr:w-20/a.png", "/tr:w-20/a.png", "/missing.png"]) await server.ask(path);
      const { text } = await server.ask("/-/metrics", { authorization: `Bearer ${TOKEN}` });
      metrics = metricsIn(text);
    } finally {
      await server.close();
      await origin.close();
      await rm(cache, { recursive: true });
    }
    documented = await readFile(join(import.meta.dirname, "../../plugins/metrics/README.md"), "utf8");
  });

  function check(expression: string): void {
    const { selectors, grouping } = read(expression);
    assert(selectors.length > 0, expression);
    for (const { metric, labels } of selectors) {
      const known = metrics.get(metric);
      assert(known, `${expression}: there is no metric ${metric}`);
      for (const [label, value] of labels) {
        assert(known.has(label) || ADDED.has(label), `${expression}: ${metric} has no label ${label}`);
        if (value !== undefined)
          assert(documented.includes(value), `${expression}: ${label} is never ${value}`);
      }
    }
    for (const label of grouping) {
      const isKnown = selectors.some(({ metric }) => metrics.get(metric)?.has(label)) || ADDED.has(label);
      assert(isKnown, `${expression}: no metric has the label ${label}`);
    }
  }

  it("has alerts about metrics that exist", async () => {
    const { groups } = parse(await readFile(join(import.meta.dirname, "alerts.yaml"), "utf8")) as Rules;
    const rules = groups.flatMap((group) => group.rules);
    assert(rules.length >= 8);
    assert.equal(new Set(rules.map(({ alert }) => alert)).size, rules.length);
    for (const { alert, expr, labels, annotations } of rules) {
      check(expr);
      assert.match(alert, /^Mediatap[A-Z]\w+$/);
      assert.match(labels.severity, /^(critical|warning)$/);
      for (const [, label = ""] of JSON.stringify(annotations).matchAll(/\$labels\.(\w+)/g)) {
        const { selectors } = read(expr);
        assert(ADDED.has(label) || selectors.some(({ metric }) => metrics.get(metric)?.has(label)), alert);
      }
    }
  });

  it("has a dashboard of metrics that exist", async () => {
    const text = await readFile(join(import.meta.dirname, "dashboard.json"), "utf8");
    const { panels, templating, annotations } = JSON.parse(text) as Dashboard;
    const variables = templating.list.map(({ name }) => name);
    const shown = new Set<string>();
    for (const { title, type, gridPos, targets = [] } of panels) {
      assert(gridPos.x + gridPos.w <= 24, title);
      assert.equal(targets.length > 0, type !== "row", title);
      for (const { expr, legendFormat } of targets) {
        check(expr);
        for (const { metric } of read(expr).selectors) shown.add(metric.replace(/_(bucket|sum|count)$/, ""));
        for (const [, variable = ""] of expr.matchAll(/\$(?!__)(\w+)/g))
          assert(variables.includes(variable), title);
        const { grouping } = read(expr);
        for (const [, label = ""] of legendFormat.matchAll(/\{\{(\w+)\}\}/g)) {
          assert(grouping.includes(label) || ADDED.has(label), `${title}: {{${label}}}`);
        }
      }
    }
    for (const { expr } of annotations.list) check(expr);
    const own = [...metrics.keys()].filter((name) =>
      /^mediatap_.*(?<!_bucket|_sum|_count|_info)$/.test(name),
    );
    const hidden = own.filter((name) => !shown.has(name));
    const internal = ["mediatap_cache_entries", "mediatap_generation", "mediatap_workers"];
    assert.deepEqual(hidden.sort(), internal, "all others are shown");
  });
});

/** The metrics in Prometheus' text format, with the labels of their samples. */
function metricsIn(text: string): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const [, name = "", type] of text.matchAll(/^# TYPE (\w+) (\w+)$/gm)) {
    const names =
      type === "histogram" ? ["_bucket", "_sum", "_count"].map((suffix) => name + suffix) : [name];
    for (const one of type === "histogram" ? [name, ...names] : names) found.set(one, new Set());
  }
  for (const [, name = "", labels = ""] of text.matchAll(/^(\w+)\{(.*)\} \S+$/gm)) {
    for (const [, label = ""] of labels.matchAll(/(\w+)="/g)) found.get(name)?.add(label);
  }
  return found;
}
