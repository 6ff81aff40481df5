import type { Probe, Size, Step } from "@mediatap/core";
import type { Paint, Scope } from "@mediatap/core/steps";
import type { FileProbe } from "../probe/probe.ts";
import type { Graph, GraphContext, Piece } from "./model.ts";
import { createOverlays, type Ground, type Overlays } from "./overlays.ts";
import { beginning } from "./start.ts";
import type { Clock } from "./timeline.ts";
import { even, rateOf, same } from "./units.ts";
import { wire } from "./wiring.ts";

/** Steps whose result depends on the time. */
const TIMED: ReadonlySet<Step["op"]> = new Set(["clip", "overlay", "when"]);

/** The state of a picture while steps are laid out. */
export interface Drafting extends Overlays {
  readonly original: Size;
  readonly scope: Scope;
  /** Size after the pieces so far. */
  current: Size;
  /** Adds filters. What is added first has the pictures brought to their common form, unless it is a scaling. */
  add(...pieces: readonly Piece[]): void;
  scale(to: Size): void;
  /** Paint that the next `flatten` lays behind what the step at hand leaves clear; black where there is none. */
  readonly behind: Paint;
  /** For a filter at this point. */
  clock(): Clock;
}

export interface PictureParts extends Pick<Ground, "scope" | "timeline" | "track" | "graphOf"> {
  readonly probe: Probe;
  readonly context: GraphContext;
  /** All steps, and those that are still to come. */
  readonly steps: readonly Step[];
  readonly left: readonly Step[];
}

/** The pictures of a video while steps are laid out. */
export function createPicture({ probe, context, steps, left, ...parts }: PictureParts) {
  const { tools, limits, keepsAlpha = false } = context;
  const { scope, timeline } = parts;
  const { video } = probe;
  const { interlaced = false, peak } = probe as Partial<FileProbe>;
  const own = rateOf(Math.min(peak ?? video?.rate ?? 25, limits.videoRate));
  // What changes with time has to be shown between two frames that are far apart, too.
  const isUneven = peak !== undefined && context.rate === undefined;
  const paced = isUneven && steps.some(({ op }) => TIMED.has(op));
  const uneven = isUneven && !paced;
  const original: Size = video ?? { width: 0, height: 0 };
  const pieces: { piece: Piece; factor: number }[] = [];
  let begun = false;

  const push = (piece: Piece) => pieces.push({ piece, factor: timeline.factor });
  const begin = (size: Size) => {
    begun = true;
    if (paced) push(`fps=${own}`);
    const behind = keepsAlpha ? undefined : behindOf(steps, "alpha");
    if (video) for (const piece of beginning(video, size, behind, tools, interlaced)) push(piece);
  };
  const current = () => draft.current;
  const { overlays, gathered } = createOverlays({ ...parts, original, current, context });
  const draft: Drafting = {
    ...overlays,
    original,
    scope,
    current: original,
    add(...more) {
      if (!begun) begin(original);
      for (const piece of more) push(piece);
    },
    scale(to) {
      if (!begun) begin(to);
      else if (!same(to, draft.current)) push(`scale=${to.width}:${to.height},setsar=1`);
      draft.current = to;
    },
    get behind() {
      return behindOf(left, "next");
    },
    clock: timeline.clock,
  };

  /** Brings pictures to the size and the rate that they end with, once all steps are laid out. */
  function finish(): NonNullable<Graph["picture"]> {
    const fps = Math.min((paced ? peak : video?.rate) ?? 25, limits.videoRate);
    const rate = context.rate ?? own;
    const plain = !begun && !interlaced;
    if (!begun) begin(original);
    const size = even(draft.current);
    if (!same(size, draft.current)) push(cropped(size));
    if (!uneven) push(`fps=${rate}`);
    const { factor } = timeline;
    return {
      size,
      rate,
      fps,
      uneven,
      paced,
      plain,
      wire: ({ from, to, extra, offset = 0, prefix = "g", more = [] }) =>
        wire([...pieces, ...more.map((piece) => ({ piece, factor }))], {
          from,
          to,
          prefix,
          extra,
          // Time before a change of speed runs as the source's does.
          offset: (here) => (offset * factor) / here,
        }),
    };
  }

  return { draft, gathered, finish };
}

/** A side of one pixel is stretched to two. */
const cropped = ({ width, height }: Size) =>
  `scale=max(iw\\,2):max(ih\\,2),crop=${width}:${height}:0:0:exact=1,setsar=1`;

/** What is laid behind clear parts: by the next `flatten`, or, for a source that has such parts, by the first that tells. */
function behindOf(steps: readonly Step[], what: "next" | "alpha"): Paint {
  for (const step of steps) {
    if (step.op === "flatten") return step.background;
    if (
      what === "alpha" &&
      (step.op === "resize" || step.op === "extract") &&
      step.background?.kind === "color"
    )
      return step.background;
  }
  return { kind: "color", color: { r: 0, g: 0, b: 0, alpha: 1 } };
}
