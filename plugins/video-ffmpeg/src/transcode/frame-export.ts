import { open } from "node:fs/promises";
import { join } from "node:path";
import { type Job, MediaError, type PluginApi, type RawFrame, type RenderContext } from "@mediatap/core";
import { z } from "zod";
import { NAME } from "../options.ts";
import { temp } from "../process/temp.ts";
import { fileArgs, type Input } from "../read/input.ts";
import type { Animation } from "./animation.ts";
import { createApng } from "./apng.ts";

declare module "@mediatap/core" {
  interface Steps {
    /** Passes the frames of an animation to the receiver of this name; no URL can request it. */
    exportFrames: { readonly to: string };
  }
}

type Receiver = (frame: RawFrame) => Promise<void>;

/** Receivers of frames, by their names. */
export type FrameReceivers = Map<string, Receiver>;

/** Adds the step by which an image engine passes on the frames that it has decoded. */
export function tapFrameExport({ hooks, steps }: Pick<PluginApi, "hooks" | "steps">): FrameReceivers {
  const receivers: FrameReceivers = new Map();
  steps.define("exportFrames", {
    schema: z.strictObject({ op: z.literal("exportFrames"), to: z.string() }),
    size: () => ({ width: 1, height: 1 }),
  });
  hooks.step.for("exportFrames").tapPromise(NAME, async (frame, step) => {
    const receive = receivers.get(step.to);
    if (!receive) return undefined;
    await receive(frame);
    // The result is not used.
    return { data: new Uint8Array(frame.channels), width: 1, height: 1, channels: frame.channels };
  });
  return receivers;
}

/** Demuxer of what `exportFrames` opens. */
export const EXPORT_DEMUXER = "apng";

interface ExportContext {
  readonly receivers: FrameReceivers;
  readonly job: Job;
  readonly context: RenderContext;
  readonly folder: string;
}

/**
 * Has the image engine decode an animation that ffmpeg cannot read, once and without loss, and opens its frames with their
 * times. Throws what that engine throws, and `EUNSUPPORTED` if it does not pass on all of them.
 */
export async function exportFrames(
  { delays }: Animation,
  { receivers, job, context, folder }: ExportContext,
): Promise<Input> {
  const path = join(folder, "frames.png");
  const reservation = temp().reserve(0, context.limits.tempBytes);
  await using file = await open(path, "wx", 0o600);
  const write = async (bytes: Buffer) => {
    reservation.use(bytes.length);
    await file.appendFile(bytes);
  };
  const apng = createApng(delays);
  let frames = 0;
  let to = context.key;
  while (receivers.has(to)) to += "+";
  receivers.set(to, async (frame) => {
    if (frames++ === 0) await write(apng.head(frame));
    await write(await apng.next(frame));
  });
  try {
    const { body } = await context.render(exportJob(job, to));
    await body?.close?.();
    if (frames !== delays.length) {
      throw new MediaError("EUNSUPPORTED", "Animated WebP needs an image engine that gives all its frames");
    }
    await write(apng.end());
    return { args: fileArgs(path, EXPORT_DEMUXER), [Symbol.dispose]: reservation.release };
  } catch (error) {
    reservation.release();
    throw error;
  } finally {
    receivers.delete(to);
  }
}

const exportJob = (job: Job, to: string): Job => ({
  ...job,
  accept: "webp",
  delivery: {},
  media: "image",
  transformation: {
    steps: [{ op: "exportFrames", to }],
    output: { format: "webp", colorProfile: "srgb", metadata: "strip", quality: 50 },
  },
});
