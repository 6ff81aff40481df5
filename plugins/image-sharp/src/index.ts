import {
  type Kind,
  type Plugin,
  parseOptions,
  type Source,
  Stage,
  type Transformation,
  typeOfName,
} from "@mediatap/core";
import sharp from "sharp";
import { openLayers } from "./layers/open.ts";
import { type ImageSharpOptions, imageSharpSchema } from "./options.ts";
import { planImage } from "./plan/image-plan.ts";
import { NAME, pricedPlan } from "./plan.ts";
import { APNG_LENGTH, framesOfPng } from "./read/apng.ts";
import { readAttention } from "./read/attention.ts";
import { isAvifSequence } from "./read/avif.ts";
import { isReadable, staysDocument } from "./read/decoded.ts";
import { readEmbedded } from "./read/embedded.ts";
import { boxesBefore } from "./read/focus.ts";
import { createHeaderReader } from "./read/header.ts";
import { setUpLibvips } from "./read/libvips.ts";
import { readPreview } from "./read/preview.ts";
import { SNIFF_LENGTH, sniff } from "./read/sniff.ts";
import { unreadFormat } from "./read/unsupported.ts";
import { setUpFontconfig } from "./text/fontconfig.ts";
import { Fonts } from "./text/index.ts";

export type { ImageSharpOptions } from "./options.ts";

const VERSION = "0.1.0";

/** To be raised when equal jobs come out with other pixels or bytes. */
const RENDERING = 2;

/**
 * Renders images with libvips. Reads JPEG, PNG, animated PNG, WebP, AVIF, GIF, SVG and TIFF, recognized by content, and files that a plugin
 * decodes; writes JPEG, PNG, WebP, AVIF and GIF. Other sources are left to the core, and so are SVGs and documents that are delivered as
 * they are. A step of another plugin goes to the `step` hook; if no plugin handles it, it is `EUNSUPPORTED`.
 */
export function imageSharp(options: ImageSharpOptions = {}): Plugin {
  const settings = parseOptions(imageSharpSchema, options, NAME);
  const readHeader = createHeaderReader(settings.headers);
  return {
    name: NAME,
    version: VERSION,
    apiVersion: 1,
    apply({ hooks, steps, fingerprint, shared, logger }) {
      setUpLibvips(settings);
      try {
        setUpFontconfig();
      } catch (err) {
        logger.warn({ err }, "texts on images are refused until there is space for temporary files");
      }
      const { fontFolders: folders } = settings;
      const fonts = shared(`${NAME}.fonts ${JSON.stringify(folders)}`, () => new Fonts({ folders }));
      const { sharp: library, vips } = sharp.versions;
      const versions = `sharp@${library} vips@${vips} fonts@${fonts.fingerprint()}`;
      fingerprint(`${NAME}@${VERSION} rendering@${RENDERING} ${versions} ${JSON.stringify(settings)}`);

      hooks.inspect.for("header").tapPromise(NAME, readHeader);
      hooks.inspect.for("embedded").tapPromise(NAME, readEmbedded);
      hooks.inspect.for("preview").tapPromise(NAME, readPreview);
      hooks.inspect.for("attention").tapPromise(NAME, readAttention);
      // After the plugins that decode such files.
      hooks.inspect.for("kind").tapPromise({ name: NAME, stage: Stage.fallback }, kindOf);

      hooks.transform.tapPromise(NAME, async (job, source, renderContext) => {
        const { format, video, info } = job.transformation.output;
        if (format === "original" || video || info) return undefined;
        // An SVG that stays one is not opened: the client draws it, whatever it contains.
        if (staysVector(job.transformation, source) && sniff(await source.peek(SNIFF_LENGTH)) === "svg") {
          return undefined;
        }
        if (await staysDocument(job.transformation, source, renderContext)) return undefined;
        const header = await renderContext.inspect("header", source);
        if (!isReadable(header)) return undefined;
        const requestedSteps = job.transformation.steps;
        const boxes = boxesBefore(requestedSteps, renderContext);
        const plan = planImage({ job, header, renderContext, registry: steps, settings, ...boxes });
        // If sizes are estimated, a condition may turn out either way.
        const sizesKnown = plan.stepsPlan.known.remaining.length === 0 && !plan.withBoxes;
        const layerSteps = sizesKnown ? plan.stepsPlan.steps.map(({ step }) => step) : requestedSteps;
        return pricedPlan(
          plan,
          source,
          await openLayers(layerSteps, job.asset, renderContext, fonts),
          renderContext,
        );
      });
    },
  };
}

/** Types of pictures that an SVG is drawn as if its name claims that it is one: clients could not show it otherwise. */
const RASTER = /^image\/(?:p?jpeg|a?png|webp|avif|gif|tiff|bmp)$/;

/** Whether an SVG is delivered as one: the URL requests no other format and no page (`ik-thumbnail.jpg`). */
function staysVector({ steps, output }: Transformation, { metadata }: Source): boolean {
  const { format = "auto" } = output;
  if (format === "svg") return true;
  if (format !== "auto" && format !== "source") return false;
  return !RASTER.test(typeOfName(metadata.path) ?? "") && !steps.some(({ op }) => op === "frame");
}

async function kindOf(source: Source): Promise<Kind | undefined> {
  const head = await source.peek(SNIFF_LENGTH);
  const readFormat = sniff(head);
  if (readFormat === "svg") return { format: "svg", scalable: true };
  // No animation is written in these formats.
  if (readFormat === "avif" && isAvifSequence(head)) return { format: "avif", document: true };
  if (readFormat === "png" && framesOfPng(await source.peek(APNG_LENGTH)) > 1)
    return { format: "apng", document: true };
  const format = unreadFormat(head);
  return format === undefined ? undefined : { format };
}

export default imageSharp;
