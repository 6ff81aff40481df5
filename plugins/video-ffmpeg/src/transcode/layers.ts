import { writeFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { type Job, MediaError, type RenderContext } from "@mediatap/core";
import type { ImageLayer } from "./model.ts";

/**
 * Has the image engine draw a layer, at its position on a transparent canvas as large as the frame below, so that it looks and lies as
 * on an image. Writes a PNG.
 */
export async function drawLayer(
  { step, base }: ImageLayer,
  job: Job,
  context: RenderContext,
  path: string,
): Promise<void> {
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
  try {
    if (!body || record.type !== "image/png") {
      throw new MediaError(
        "EUNSUPPORTED",
        "Layers on videos need an image engine, which is not installed here",
      );
    }
    await writeFile(path, body.complete && body.bytes ? body.bytes : await buffer(await body.stream()));
  } finally {
    await body?.close?.();
  }
}
