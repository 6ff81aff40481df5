import {
  type Asset,
  isMediaError,
  type Job,
  MediaError,
  type Probe,
  printable,
  type RenderContext,
  type Source,
  type Step,
} from "@mediatap/core";
import { demuxerOf, SNIFF_LENGTH } from "../read/demuxer.ts";
import { type Cue, readCues } from "./cues.ts";

const MAX_SUBTITLE_BYTES = 2 * 1024 * 1024;
const MAX_FONT_BYTES = 32 * 1024 * 1024;

/** A video layer. */
export interface VideoFile {
  readonly source: Source;
  readonly demuxer: string;
  readonly probe: Probe;
}

/** The files that layers need before the graph is built, opened once each. */
export interface LayerFiles {
  video(path: string): VideoFile;
  cues(path: string): readonly Cue[];
  font(path: string): Uint8Array | undefined;
}

/** A font that is named by the path of its file. */
const FONT_FILE = /\.(?:ttf|otf|ttc)$/i;

/** Opens what layers of videos and of subtitles show. Throws what opening throws, and `UNIDENTIFIED` for what is none. */
export async function openLayerFiles(job: Job, context: RenderContext): Promise<LayerFiles> {
  const paths: Paths = { videos: new Set(), texts: new Set(), fonts: new Set() };
  collect(job.transformation.steps, paths);
  const open = (path: string) => context.open(assetOf(path, job.asset));
  const [videos, texts, fonts] = await Promise.all([
    all(paths.videos, async (path) => videoOf(await open(path), context)),
    all(paths.texts, async (path) => readCues(await bytesOf(await open(path), MAX_SUBTITLE_BYTES))),
    all(paths.fonts, async (path) => bytesOf(await open(path), MAX_FONT_BYTES)),
  ]);
  return {
    video: (path) => videos.get(path) as VideoFile,
    cues: (path) => texts.get(path) as readonly Cue[],
    font: (path) => fonts.get(path),
  };
}

type Paths = Record<"videos" | "texts" | "fonts", Set<string>>;

function collect(steps: readonly Step[], paths: Paths): void {
  for (const step of steps) {
    if (step.op === "when") {
      collect(step.then, paths);
      collect(step.else, paths);
    }
    if (step.op !== "overlay") continue;
    const { layer } = step;
    if (layer.kind === "video") {
      paths.videos.add(layer.path);
      collect(layer.steps, paths);
    }
    if (layer.kind !== "subtitles") continue;
    paths.texts.add(layer.path);
    const { font } = layer.style;
    if (font && FONT_FILE.test(font)) paths.fonts.add(font);
  }
}

async function all<T>(paths: ReadonlySet<string>, open: (path: string) => Promise<T>) {
  return new Map(await Promise.all([...paths].map(async (path) => [path, await open(path)] as const)));
}

async function videoOf(source: Source, context: RenderContext): Promise<VideoFile> {
  const demuxer = demuxerOf(await source.peek(SNIFF_LENGTH));
  const probe = demuxer === undefined ? undefined : await context.inspect("probe", source);
  if (!demuxer || !probe?.video) {
    const path = printable(source.metadata.path);
    throw new MediaError("UNIDENTIFIED", `Expected a video for the layer '${path}'`, { status: 400 });
  }
  return { source, demuxer, probe };
}

async function bytesOf(source: Source, most: number): Promise<Uint8Array> {
  try {
    return await source.bytes(most);
  } catch (error) {
    if (isMediaError(error)) throw error;
    const path = printable(source.metadata.path);
    throw new MediaError("UNIDENTIFIED", `The file '${path}' of a layer cannot be read`, { cause: error });
  }
}

/** Layers are looked for where the video is, on the same endpoint. */
function assetOf(path: string, { tenant, endpoint }: Asset): Asset {
  return { tenant, endpoint, kind: /^https?:\/\//.test(path) ? "url" : "path", path };
}
