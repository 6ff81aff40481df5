import type { Exchange, Size, Step, StepOf } from "@mediatap/core";
import { printNumber } from "@mediatap/core/language";
import { extractGeometry, resizeGeometry } from "@mediatap/core/steps";
import { addressOf, baseOf, printIdentifier, tokenize } from "./language.ts";
import type { Version } from "./parameters.ts";

/**
 * The address that all requests for the same picture share (https://iiif.io/api/image/3.0/#48-canonical-uri-syntax).
 * `undefined`: the size of the source is not known.
 */
export function canonicalOf(exchange: Exchange, usual: Version): string | undefined {
  const { job, record, target } = exchange;
  const address = addressOf(target.path, 4, usual);
  const source = record?.sourceSize;
  if (!job?.written || !source || !address) return undefined;
  const values = new Map(tokenize(job.written)[0]?.map(({ key, value }) => [key, value]));
  const { steps } = job.transformation;
  const { maxSide = Number.POSITIVE_INFINITY } = exchange.endpoint;
  const extract = steps.find((step) => step.op === "extract");
  const region = extract && extractGeometry(extract, { original: source, current: source });
  const current = region?.size ?? source;
  const isWhole = current.width === source.width && current.height === source.height;
  const turn = `${values.has("!") ? "!" : ""}${printNumber(Number(values.get("rotation")) % 360)}`;
  const quality = values.get("quality") === "color" ? "default" : values.get("quality");
  return [
    baseOf(exchange),
    `${address.prefix}${printIdentifier(job.asset)}`,
    region && !isWhole ? [region.left, region.top, current.width, current.height].join(",") : "full",
    sizeOf(steps, { source, current, written: values.get("size") ?? "max", maxSide }, address.version),
    turn,
    `${quality}.${values.get("format")}`,
  ].join("/");
}

interface Sized {
  readonly source: Size;
  /** Of the region. */
  readonly current: Size;
  readonly written: string;
  readonly maxSide: number;
}

function sizeOf(
  steps: readonly Step[],
  { source, current, written, maxSide }: Sized,
  version: Version,
): string {
  if (written === "^max") return written;
  const most = version === 2 ? "full" : "max";
  const resize = steps.find((step) => step.op === "resize");
  // What limits of the server make of it.
  if (!resize || written === "max" || written === "full") return most;
  const sized = (step: StepOf<"resize">) => resizeGeometry(step, { original: source, current }).size;
  const { width, height } = sized(resize);
  if ((width === current.width && height === current.height) || Math.max(width, height) > maxSide)
    return most;
  const isLarger = width > current.width || height > current.height;
  if (version === 3) return `${isLarger ? "^" : ""}${width},${height}`;
  const keepsRatio = sized({ op: "resize", width, fit: "inside", enlarge: true }).height === height;
  return keepsRatio ? `${width},` : `${width},${height}`;
}
