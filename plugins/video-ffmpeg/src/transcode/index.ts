import { MediaError, type PluginApi, Stage } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { NAME } from "../options.ts";
import { tapFilm } from "./frame-export.ts";
import { isPreview, planPreview } from "./preview.ts";
import { planWhole, type Underway } from "./whole.ts";

/** Answers jobs for whole videos, and for moving pictures of their pieces. */
export function tapTransform(api: Pick<PluginApi, "hooks" | "steps">, engine: Engine): void {
  const { hooks } = api;
  const underway: Underway = new Set();
  const films = tapFilm(api);
  hooks.transform.tapPromise(NAME, async (job, source, context) => {
    const { video } = job.transformation.output;
    if (!video || video.part) return undefined;
    return planWhole({ ...engine, underway, films }, job, source, context);
  });
  // Before engines for pictures, to which a video is one still.
  hooks.transform.tapPromise({ name: NAME, stage: Stage.normal - 10 }, async (job, source, context) =>
    isPreview(job) ? planPreview(engine, job, source, context) : undefined,
  );
  hooks.stop.tap(NAME, () => {
    for (const growth of underway) growth.abort(new MediaError("EBUSY", "The server stops"));
  });
}
