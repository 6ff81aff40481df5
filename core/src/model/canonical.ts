import { hash } from "node:crypto";
import type { Endpoint } from "./endpoint.ts";
import { MediaError } from "./errors.ts";
import { canonicalInfo } from "./info.ts";
import type { Job } from "./job.ts";
import type { StepRegistry } from "./steps/registry.ts";
import { withSizeRules } from "./steps/sizes.ts";
import type { Output, Step, Transformation, VideoOutput } from "./transformation.ts";

/** Steps as all equal requests write them: checked against their schemas, without those that change nothing. */
export function canonicalSteps(steps: readonly Step[], registry: StepRegistry): readonly Step[] {
  return steps.flatMap((step): Step[] => {
    const definition = registry.get(step.op);
    if (!definition)
      throw new MediaError("EUNSUPPORTED", `Expected a known operation but received ${step.op}`);
    const checked = definition.schema["~standard"].validate(step);
    if (checked instanceof Promise) throw new TypeError(`The schema of ${step.op} must be synchronous`);
    if (checked.issues) {
      const issue = checked.issues[0];
      const at = issue?.path?.map((part) => String(typeof part === "object" ? part.key : part)).join(".");
      throw new MediaError("EINVAL", `${step.op}${at ? `.${at}` : ""}: ${issue?.message ?? "invalid"}`);
    }
    const canonical = definition.canonical ? definition.canonical(checked.value) : checked.value;
    const branch = (inner: readonly Step[]) => canonicalSteps(inner, registry);
    if (canonical?.op === "overlay") {
      const { layer } = canonical;
      if (layer.kind === "subtitles") return [canonical];
      return [{ ...canonical, layer: { ...layer, steps: branch(layer.steps) } }];
    }
    if (canonical?.op !== "when") return canonical ? [canonical] : [];
    // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
    return [{ ...canonical, then: branch(canonical.then), else: branch(canonical.else) }];
  });
}

/** The Transformation with the endpoint's defaults filled in, in canonical form. */
export function canonicalTransformation(
  { steps, output }: Transformation,
  endpoint: Endpoint,
  registry: StepRegistry,
): Transformation {
  if (output.info) {
    if (steps.length > 0) throw new MediaError("EINVAL", "Expected no steps before a description of a file");
    return { steps: [], output: { info: canonicalInfo(output.info) } };
  }
  if (output.format === "original") {
    return { steps: [], output: { format: "original", ...fillSanitizing(output, endpoint) } };
  }
  const canonical = withSizeRules(canonicalSteps(steps, registry), endpoint);
  return { steps: canonical, output: fillOutput(output, endpoint) };
}

function fillOutput(output: Output, endpoint: Endpoint): Output {
  if (output.video) return { video: fillVideo(output.video, endpoint) };
  const format = output.format ?? (endpoint.autoFormat ? "auto" : "source");
  const metadata = output.metadata ?? (endpoint.metadata ? "keep" : "strip");
  const keepProfile = output.colorProfile ? output.colorProfile === "keep" : endpoint.colorProfile;
  return {
    format,
    ...(isRaster(format) ? {} : fillSanitizing(output, endpoint)),
    ...(format === "auto" && endpoint.allowedFormats.length > 0 ? { allowed: endpoint.allowedFormats } : {}),
    ...(format === "auto" && endpoint.autoFormat === "smallest" ? { smallest: true } : {}),
    ...(endpoint.maxSide !== undefined && format !== "svg" ? { maxSide: endpoint.maxSide } : {}),
    quality: output.quality ?? endpoint.quality,
    ...(endpoint.fidelity === "high" && format !== "svg" ? { fidelity: endpoint.fidelity } : {}),
    lossless: output.lossless ?? false,
    progressive: output.progressive ?? false,
    colorProfile: keepProfile ? "keep" : "srgb",
    metadata,
    ...(output.density === undefined ? {} : { density: output.density }),
  };
}

/** The URL can turn it on, and not off. */
function fillSanitizing(output: Output, endpoint: Endpoint): Pick<Output, "sanitizeSvg"> {
  return output.sanitizeSvg || endpoint.sanitizeSvg ? { sanitizeSvg: true } : {};
}

function fillVideo({ part, ...video }: VideoOutput, endpoint: Endpoint): VideoOutput {
  const webm = video.codec === "vp9" || video.codec === "av1" || video.audio === "opus";
  const requested = video.format === undefined || video.format === "auto" ? undefined : video.format;
  const format = requested ?? (webm ? "webm" : "mp4");
  return {
    format,
    codec: video.codec ?? (format === "webm" ? "vp9" : "h264"),
    audio: video.audio ?? (format === "webm" ? "opus" : "aac"),
    quality: video.quality ?? endpoint.videoQuality,
    ...(part && { part }),
  };
}

const RASTER: ReadonlySet<Output["format"]> = new Set(["jpeg", "png", "webp", "avif", "gif"] as const);

/** Whether an output has pixels, by its format. */
export const isRaster = (format: Output["format"]): boolean => RASTER.has(format);

/** Whether a canonical Transformation is that of a URL without any: nothing but the endpoint's defaults. */
export function asksForNothing({ steps, output }: Transformation, endpoint: Endpoint): boolean {
  const sanitizing = output.sanitizeSvg ? { sanitizeSvg: output.sanitizeSvg } : {};
  const plain: Output = output.video && endpoint.autoVideo ? { video: {} } : sanitizing;
  return steps.length === 0 && stableJson(output) === stableJson(fillOutput(plain, endpoint));
}

/** Whether the client's `Accept` takes part in choosing the format. */
export function isNegotiated(job: Job): boolean {
  return job.transformation.output.format === "auto";
}

/**
 * The job's key: a hash over the declared inputs only, as a JSON list, so that no two different requests share one.
 * What concerns only the answer (download name, fallback) is left out. `json`: of the Transformation, if it is known already.
 */
export function keyOf(job: Job, endpoint: Endpoint, json = stableJson(job.transformation)): string {
  const { asset, query } = job;
  const { tenant, endpoint: name, kind, path, host } = asset;
  // Lists of texts need no sorting.
  const before = JSON.stringify([1, tenant, name, endpoint.fingerprint, kind, path, host]);
  const after = JSON.stringify([isNegotiated(job) ? job.accept : "", query]);
  // One list: the first without its end, the second without its beginning.
  return hash("sha256", `${before.slice(0, -1)},${json},${after.slice(1)}`, "base64url");
}

/** JSON whose object keys are sorted and in which `undefined` fields and negative zero do not show. */
export function stableJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(stableJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value) ?? "null";
  const fields = Object.entries(value)
    .filter(([, field]) => field !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${stableJson(field)}`);
  return `{${fields.join(",")}}`;
}
