import { open } from "node:fs/promises";
import { join } from "node:path";
import { type Job, MediaError, type PluginApi, type RawFrame, type RenderContext } from "@mediatap/core";
import { z } from "zod";
import { NAME } from "../options.ts";
import { temp } from "../process/temp.ts";
import type { Input } from "../read/input.ts";
import { createApng } from "./apng.ts";
import type { Animation } from "./webp.ts";

declare module "@mediatap/core" {
  interface Steps {
    /** Hands the frames of an animation to who waits for them under a name; no URL can ask for it. */
    film: { readonly to: string };
  }
}

type Take = (frame: RawFrame) => Promise<void>;

/** Who waits for frames. */
export type Films = Map<string, Take>;

/** Adds the step by which an image engine hands over the frames that it has decoded. */
export function tapFilm({ hooks, steps }: Pick<PluginApi, "hooks" | "steps">): Films {
  const films: Films = new Map();
  steps.define("film", {
    schema: z.strictObject({ op: z.literal("film"), to: z.string() }),
    size: () => ({ width: 1, height: 1 }),
  });
  hooks.step.for("film").tapPromise(NAME, async (frame, step) => {
    const take = films.get(step.to);
    if (!take) return undefined;
    await take(frame);
    // Nobody looks at what becomes of it.
    return { data: new Uint8Array(frame.channels), width: 1, height: 1, channels: frame.channels };
  });
  return films;
}

export interface FilmContext {
  readonly films: Films;
  readonly job: Job;
  readonly renderContext: RenderContext;
  readonly folder: string;
}

/** Demuxer of what `filmInput` opens. */
export const FILM = "apng";

/**
 * Has the image engine decode an animation that ffmpeg cannot read, once and without loss, and opens its frames with their
 * times. Throws what that engine throws, and `EUNSUPPORTED` where it does not give them all.
 */
export async function filmInput({ delays }: Animation, context: FilmContext): Promise<Input> {
  const { films, job, renderContext, folder } = context;
  const path = join(folder, "film.png");
  const file = await open(path, "wx", 0o600);
  const apng = createApng(delays);
  let to = renderContext.key;
  while (films.has(to)) to += "+";
  let frames = 0;
  let taken = 0;
  const write = async (bytes: Buffer) => {
    temp().take(bytes.length, renderContext.limits.tempBytes);
    taken += bytes.length;
    await file.appendFile(bytes);
  };
  const close = async () => temp().give(taken);
  films.set(to, async (frame) => {
    if (frames === 0) await write(apng.head(frame));
    await write(await apng.next(frame));
    frames++;
  });
  try {
    const { body } = await renderContext.render(filmJob(job, to));
    await body?.close?.();
    if (frames !== delays.length) {
      throw new MediaError("EUNSUPPORTED", "Animated WebP needs an image engine that gives all its frames");
    }
    await write(apng.end());
    const whitelists = ["-protocol_whitelist", "file", "-format_whitelist", FILM];
    return { args: [...whitelists, "-f", FILM, "-i", `file:${path}`], close };
  } catch (error) {
    await close();
    throw error;
  } finally {
    films.delete(to);
    await file.close();
  }
}

function filmJob(job: Job, to: string): Job {
  return {
    ...job,
    accept: "webp",
    delivery: {},
    media: "image",
    transformation: {
      steps: [{ op: "film", to }],
      output: { format: "webp", colorProfile: "srgb", metadata: "strip", quality: 50 },
    },
  };
}
