import type { Step } from "@mediatap/core";
import type { FileProbe } from "../probe/probe.ts";
import { GraphBuilder } from "./builder.ts";
import type { Graph, GraphContext } from "./model.ts";
import { OPERATIONS } from "./operations.ts";

/**
 * Builds the ffmpeg filters of steps. Sizes are those that images get by the same steps; an odd one loses its last
 * column or line. Throws `EUNSUPPORTED` or `EINVAL` for a step that videos cannot have, `ELIMIT` for a size beyond the limits.
 */
export const graphOf = (steps: readonly Step[], probe: FileProbe, context: GraphContext): Graph =>
  new GraphBuilder(steps, probe, context, OPERATIONS).build();
