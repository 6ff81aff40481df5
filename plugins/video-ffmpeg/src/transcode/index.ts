import { MediaError, type PluginApi, Stage } from "@mediatap/core";
import type { Engine } from "../engine.ts";
import { NAME } from "../options.ts";
import { tapFrameExport } from "./frame-export.ts";
import { isPreview, planPreview } from "./preview.ts";
import type { Progressive } from "./progressive.ts";
import { planVideo } from "./video.ts";

/** Plans whole videos, and animated images of their parts. */
export function tapTransform(api: Pick<PluginApi, "hooks" | "steps">, engine: Engine): void {
  const { hooks } = api;
  const running = new Set<Progressive>();
  const receivers = tapFrameExport(api);
  hooks.transform.tapPromise(NAME, async (job, source, context) => {
    const { video } = job.transformation.output;
    if (!video || video.part) return undefined;
    return planVideo({ ...engine, running, receivers }, job, source, context);
  });
  // Before image engines, to which a video is one still.
  hooks.transform.tapPromise({ name: NAME, stage: Stage.normal - 10 }, async (job, source, context) =>
    isPreview(job) ? planPreview(engine, job, source, context) : undefined,
  );
  hooks.stop.tap(NAME, () => {
    for (const progressive of running) progressive.abort(new MediaError("EBUSY", "The server stops"));
  });
}
