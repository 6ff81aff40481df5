import type { Endpoint } from "../endpoint.ts";
import { MediaError } from "../errors.ts";
import type { Step, StepOf } from "../transformation.ts";
import { without } from "./canonical.ts";
import { requestedSize } from "./geometry.ts";

/** The rules of an endpoint about sizes. */
type SizeRules = Pick<Endpoint, "widths" | "otherWidths" | "enlarge" | "maxSide">;

type Sizing = StepOf<"resize"> | StepOf<"extract">;

/** Pixels that a step requests, `dpr` included. */
type Requested = ReturnType<typeof requestedSize>;

/**
 * Canonical steps as the endpoint's rules about sizes allow them, so that equal results have equal keys. Layers keep their sizes,
 * which are measured against the image below. Idempotent. Throws `EINVAL` for a width that the endpoint refuses.
 */
export function withSizeRules(steps: readonly Step[], rules: SizeRules): readonly Step[] {
  const { widths, otherWidths, enlarge, maxSide } = rules;
  if (!widths && enlarge !== false && maxSide === undefined) return steps;
  return steps.map((step, index): Step => {
    const isLast = index === steps.length - 1;
    if (step.op === "when") {
      const { maxSide: _max, ...earlier } = rules;
      const branch = isLast ? rules : earlier;
      // biome-ignore lint/suspicious/noThenProperty: the word of the model; a step is never awaited.
      return { ...step, then: withSizeRules(step.then, branch), else: withSizeRules(step.else, branch) };
    }
    if (step.op === "extract") {
      // A window of another size would show something else.
      if (widths && otherWidths === "refuse") assertWidth(step, widths);
      return step;
    }
    if (step.op !== "resize") return step;
    let sized: StepOf<"resize"> = enlarge === false ? { ...step, enlarge: false } : step;
    if (widths && otherWidths === "refuse") assertWidth(sized, widths);
    else if (widths) sized = snapped(sized, widths);
    // An earlier step may be larger: what follows cuts something out of it.
    return isLast && maxSide !== undefined ? clamped(sized, maxSide) : sized;
  });
}

/** What a step requests; `undefined`: a calculation, whose result depends on the source. */
function requestedBy(step: Sizing): Requested | undefined {
  const { width, height, ratio, dpr } = step;
  const isConstant = [width, height, ratio, dpr].every((one) => one === undefined || typeof one === "number");
  return isConstant ? requestedSize(step, {}) : undefined;
}

/** The side that is compared with the list: the width, or a height that stands alone. */
const sideOf = ({ width, height }: Requested) => width ?? height;

/** A `resize` whose width is the next one of the list, or else the largest, and whose height follows. */
function snapped(step: StepOf<"resize">, widths: readonly number[]): StepOf<"resize"> {
  const requested = requestedBy(step);
  const side = requested && sideOf(requested);
  if (side === undefined) throw calculated();
  const rung = widths.find((width) => width >= side) ?? (widths.at(-1) as number);
  return scaled(step, requested as Requested, rung / side);
}

/** A `resize` with no side above `max`, where that is known without the source. */
function clamped(step: StepOf<"resize">, max: number): StepOf<"resize"> {
  const requested = requestedBy(step);
  if (!requested) return step;
  const factor = max / Math.max(requested.width ?? 0, requested.height ?? 0);
  return factor < 1 ? scaled(step, requested, factor) : step;
}

function scaled(step: StepOf<"resize">, { width, height }: Requested, factor: number): StepOf<"resize"> {
  const side = (value: number) => Math.max(1, Math.round(value * factor));
  return {
    ...without<StepOf<"resize">>(step, "width", "height", "ratio", "dpr"),
    ...(width !== undefined && { width: side(width) }),
    ...(height !== undefined && { height: side(height) }),
  };
}

function assertWidth(step: Sizing, widths: readonly number[]): void {
  const requested = requestedBy(step);
  if (!requested) throw calculated();
  const side = sideOf(requested);
  if (side === undefined || widths.includes(side)) return;
  const expected = widths.length === 1 ? String(widths[0]) : `one of ${widths.join(", ")}`;
  throw new MediaError("EINVAL", `Expected ${expected} for the width in pixels but received ${side}`);
}

const calculated = () =>
  new MediaError(
    "EINVAL",
    "Expected a width in pixels but received a calculated one: this endpoint has fixed widths",
  );
