import {
  type Asset,
  type Header,
  MediaError,
  printable,
  type RenderContext,
  type Source,
  type Step,
} from "@mediatap/core";
import { isReadable } from "../read/decoded.ts";
import type { Fonts } from "../text/index.ts";

export interface LayerImage {
  readonly source: Source;
  readonly header: Header;
}

/** The files that layers are made of, opened once each. */
export interface LayerFiles {
  image(path: string): LayerImage;
  font(path: string): Source;
  /** Fonts of texts beside these. */
  readonly fonts: Fonts;
  /** For `explain`: families that are not installed. */
  readonly notes: readonly string[];
}

const missing = (path: string): never => {
  throw new Error(`${path} has not been opened`);
};
const NO_FILES = { image: missing, font: missing, notes: [] } as const;

const FONT_FILE = /\.(?:ttf|otf|ttc|woff2?)$/i;

/** Whether a font is named by the path of its file. */
export const isFontFile = (font: string | undefined): font is string =>
  font !== undefined && FONT_FILE.test(font);

/**
 * Opens the files of the layers of `steps`, all at once, before any pixel work: a missing file fails early, and meanwhile the
 * render takes no slot of the queue. Throws what opening throws, and `UNIDENTIFIED` for a layer that is no picture.
 */
export async function openLayers(
  steps: readonly Step[],
  asset: Asset,
  renderContext: RenderContext,
  fonts: Fonts,
): Promise<LayerFiles> {
  const paths = { images: new Set<string>(), fonts: new Set<string>(), families: new Set<string>() };
  collect(steps, paths);
  if (paths.images.size + paths.fonts.size + paths.families.size === 0) return { ...NO_FILES, fonts };
  const [images, fontFiles, notes] = await allInOrder([
    openAll(paths.images, (path) => openImage(path, asset, renderContext)),
    openAll(paths.fonts, (path) => renderContext.open(assetOf(path, asset))),
    Promise.all([...paths.families].map((family) => fonts.noteOn(family))),
  ]);
  return {
    image: (path) => images.get(path) as LayerImage,
    font: (path) => fontFiles.get(path) as Source,
    fonts,
    notes: notes.filter((note) => note !== undefined),
  };
}

const UNSUPPORTED_LAYERS = { video: "videos", subtitles: "subtitles" } as const;

interface Paths {
  readonly images: Set<string>;
  readonly fonts: Set<string>;
  readonly families: Set<string>;
}

function collect(steps: readonly Step[], paths: Paths): void {
  for (const step of steps) {
    if (step.op === "when") {
      collect(step.then, paths);
      collect(step.else, paths);
    }
    if (step.op !== "overlay") continue;
    const { layer } = step;
    if (layer.kind === "video" || layer.kind === "subtitles") {
      throw new MediaError(
        "EUNSUPPORTED",
        `Not supported here: layers of ${UNSUPPORTED_LAYERS[layer.kind]} on images`,
      );
    }
    if (layer.kind === "image") paths.images.add(layer.path);
    const font = layer.kind === "text" ? layer.style.font : undefined;
    if (font !== undefined) (isFontFile(font) ? paths.fonts : paths.families).add(font);
    collect(layer.steps, paths);
  }
}

async function openAll<T>(paths: ReadonlySet<string>, open: (path: string) => Promise<T>) {
  return new Map(await allInOrder([...paths].map(async (path) => [path, await open(path)] as const)));
}

/** `Promise.all`, but if several fail, it throws the first error in the list, not the earliest: equal requests fail in the same way. */
async function allInOrder<const T extends readonly Promise<unknown>[]>(works: T) {
  await Promise.allSettled(works);
  return await Promise.all(works);
}

async function openImage(path: string, asset: Asset, renderContext: RenderContext): Promise<LayerImage> {
  const source = await renderContext.open(assetOf(path, asset));
  const header = await renderContext.inspect("header", source);
  if (!isReadable(header)) {
    const kind = await renderContext.inspect("kind", source);
    if (kind) throw new MediaError("EUNSUPPORTED", `Not supported here: layers of ${kind.format} files`);
    throw new MediaError("UNIDENTIFIED", `Expected an image for the layer '${printable(path)}'`);
  }
  return { source, header };
}

/** Layers come from the endpoint of the picture. */
function assetOf(path: string, { tenant, endpoint }: Asset): Asset {
  return { tenant, endpoint, kind: /^https?:\/\//.test(path) ? "url" : "path", path };
}
