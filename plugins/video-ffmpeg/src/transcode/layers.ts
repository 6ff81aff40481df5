import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { type Job, MediaError, type RenderContext } from "@mediatap/core";
import type { LayerOptions } from "./model.ts";

/**
 * Has the image engine draw a layer: at its place on a clear canvas as large as the picture below, so that it looks and lies as
 * on a picture. Resolves with the path of a PNG.
 */
export async function drawLayer(
  { step, base }: LayerOptions,
  job: Job,
  context: RenderContext,
  folder: string,
  name: string,
): Promise<string> {
  const { time: _, ...overlay } = step;
  const { record, body } = await context.render({
    ...job,
    accept: "basic",
    delivery: {},
    media: "image",
    transformation: {
      steps: [
        { op: "frame", page: 1 },
        { op: "resize", width: base.width, height: base.height, fit: "fill", enlarge: true },
        { op: "opacity", value: 0 },
        overlay,
      ],
      output: { format: "png", colorProfile: "srgb", metadata: "strip" },
    },
  });
  if (!body || record.type !== "image/png") {
    await body?.close?.();
    throw new MediaError(
      "EUNSUPPORTED",
      "Layers on videos need an image engine, which is not installed here",
    );
  }
  const path = join(folder, `${name}.png`);
  try {
    await writeFile(path, body.settled && body.bytes ? body.bytes : await buffer(await body.stream()));
  } finally {
    await body.close?.();
  }
  return path;
}
