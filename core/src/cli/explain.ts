import type { LoadedConfig } from "../config/load.ts";
import { explain } from "../http/explain.ts";
import type { SyntheticRequest } from "../http/synthetic-request.ts";
import { stableJson } from "../model/canonical.ts";
import type { Explanation, LimitUse, OriginAnswer, PlanSummary, Problem } from "../plugin/explanation.ts";
import { createRuntime } from "../server/runtime.ts";

/** An explanation for people or programs. */
interface Explained {
  readonly text: string;
  /** Status of the response. */
  readonly status: number;
}

/** What the server would do for a request, as text or JSON. An error in the URL is part of the result. */
export async function explainUrl(
  config: LoadedConfig,
  request: SyntheticRequest,
  json: boolean,
): Promise<Explained> {
  const runtime = await createRuntime(config);
  await runtime.start();
  try {
    const explanation = await explain(request, runtime);
    const text = json ? JSON.stringify(explanation, null, 2) : textOf(explanation);
    return { text, status: explanation.status };
  } finally {
    await runtime.stop();
  }
}

type Row = readonly [name: string, ...lines: string[]];

/** For people: one line each, in the order in which the server finds out. */
export function textOf(said: Explanation): string {
  const { transformation, accept, cache, fallback } = said;
  const rows: Row[] = [];
  if (said.endpoint) rows.push(["endpoint", `${said.endpoint.name} (${BY[said.endpoint.by]})`]);
  if (said.asset) rows.push(["asset", `${said.asset.path} (${said.asset.media})`]);
  if (said.language) rows.push(["language", said.language]);
  if (said.signature)
    rows.push(["signature", [said.signature, said.signatureFault].filter(Boolean).join(": ")]);
  if (transformation) {
    const { steps, output } = transformation;
    rows.push([
      "steps",
      ...(steps.length > 0 ? steps.map(({ op, ...step }) => `${op} ${pairs(step)}`) : ["none"]),
    ]);
    rows.push(["output", pairs(output)]);
  }
  if (accept) {
    rows.push([
      "accept",
      `${accept.class}${accept.negotiated ? ", determines the format" : ", has no effect"}`,
    ]);
  }
  if (said.key) rows.push(["cache key", said.key]);
  if (cache) rows.push(["cache", cache.name ? `${cache.state} in ${cache.name}` : cache.state]);
  if (said.endpoint) rows.push(["origins", ...originLines(said.origins)]);
  if (said.source) rows.push(["source", sourceLine(said.source)]);
  rows.push(["header", headerLine(said.metadata.header)]);
  rows.push(["plan", ...planLines(said.plan)]);
  rows.push(["limits", ...limitLines(said.limits)]);
  if (said.notes) rows.push(["notes", ...said.notes]);
  if (fallback) rows.push(["fallback", fallback]);
  rows.push(["status", String(said.status)]);
  rows.push(["errors", ...(said.errors.length > 0 ? said.errors.map(problemLine) : ["none"])]);
  return [said.url, "", ...rows.map(rowText)].join("\n");
}

const BY = {
  host: "by host name",
  path: "by the first segment of the path",
  default: "no other matches",
} as const;
const COLUMN_WIDTH = 12;

function rowText([name, ...lines]: Row): string {
  return lines
    .map((line, at) => `${(at === 0 ? name : "").padEnd(COLUMN_WIDTH)}${line}`.trimEnd())
    .join("\n");
}

/** `width=400 fit=cover`: plain data on one line. */
function pairs(fields: object): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === "string" ? value : stableJson(value)}`)
    .join(" ");
}

function originLines(origins: readonly OriginAnswer[]): string[] {
  if (origins.length === 0) return ["none for this kind of address"];
  return origins.map(({ name, type, label, answer, error }, at) => {
    const what = label === undefined ? type : `${type}, ${label}`;
    return `${at + 1}. ${name} (${what}): ${answer}${error ? `, ${problemLine(error)}` : ""}`;
  });
}

function sourceLine({
  origin,
  size,
  type,
  etag,
  lastModified,
  copy,
  ...metadata
}: NonNullable<Explanation["source"]>) {
  return [
    `from ${origin}${copy ? `, ${copy.stale ? "stale " : ""}copy in ${copy.by}` : ""}`,
    size === undefined ? "unknown size" : bytes(size),
    type,
    etag && `ETag ${etag}`,
    lastModified !== undefined && `modified ${new Date(lastModified).toISOString()}`,
    metadata.private && "private",
  ]
    .filter(Boolean)
    .join(", ");
}

function headerLine(header: Explanation["metadata"]["header"]): string {
  if (header === "none") return "none: no engine reads this kind of file";
  if (header === "pending") return header;
  const { format, width, height, frames, alpha, orientation } = header;
  return [
    `${format} ${width}x${height}`,
    frames > 1 && `${frames} frames`,
    alpha && "with alpha",
    orientation > 1 && `EXIF orientation ${orientation}`,
  ]
    .filter(Boolean)
    .join(", ");
}

function planLines(plan: PlanSummary | "pending" | "none"): string[] {
  if (plan === "none") return ["none: the file is delivered as it is"];
  if (plan === "pending") return [plan];
  const { engine, lane, cost, memory, explanation } = plan;
  return [`${engine}, lane ${lane}, about ${cost} ms of one core and ${bytes(memory)}`, ...tree(explanation)];
}

/** Plain data as indented lines; texts in lists are numbered. */
function tree(value: unknown, indent = "  "): string[] {
  if (value === null || typeof value !== "object") return [`${indent}${String(value)}`];
  return Object.entries(value).flatMap(([name, field]) => {
    const label = Array.isArray(value) ? `${Number(name) + 1}.` : `${name}:`;
    const flat = field === null || typeof field !== "object" || Object.values(field).length === 0;
    return flat
      ? [`${indent}${label} ${typeof field === "object" ? stableJson(field) : String(field)}`]
      : [`${indent}${label}`, ...tree(field, `${indent}  `)];
  });
}

function limitLines(limits: readonly LimitUse[] | "pending"): string[] {
  if (limits === "pending") return [limits];
  const hit = limits.filter(({ exceeded }) => exceeded);
  if (hit.length === 0) return ["none is exceeded"];
  return hit.map(({ name, used, allowed }) => `${name}: ${used} is more than ${allowed}`);
}

function problemLine({ status, code, message, cause, plugin }: Problem): string {
  const where = plugin === undefined ? "" : ` (${plugin})`;
  return `${status} ${code}: ${message}${cause && cause !== message ? `: ${cause}` : ""}${where}`;
}

function bytes(count: number): string {
  if (count < 1000) return `${count} bytes`;
  return count < 1e6 ? `${(count / 1e3).toFixed(1)} kB` : `${(count / 1e6).toFixed(1)} MB`;
}
