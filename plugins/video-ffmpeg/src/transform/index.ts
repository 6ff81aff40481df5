import { MediaError, type PluginApi } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { NAME } from "../options.ts";
import { planWhole, type Underway } from "./whole.ts";

/** Answers jobs for whole videos. */
export function tapTransform({ hooks }: Pick<PluginApi, "hooks">, engine: Engine): void {
  const underway: Underway = new Set();
  hooks.transform.tapPromise(NAME, async (job, source, flight) => {
    const { video } = job.transformation.output;
    if (!video || video.part) return undefined;
    return planWhole(engine, underway, job, source, flight);
  });
  hooks.stop.tap(NAME, () => {
    for (const growth of underway) growth.abort(new MediaError("EBUSY", "The server stops"));
  });
}
