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
import { draftOf } from "./plan/image-plan.ts";
import { NAME, planOf } from "./plan.ts";
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
 * Makes images with libvips. Reads JPEG, PNG and animated PNG, WebP, AVIF, GIF, SVG and TIFF, told by content; writes JPEG, PNG, WebP, AVIF and
 * GIF. Files that a plugin decodes it reads by its help. Other sources are left to the core, as are SVGs that stay SVGs, and documents of which no picture is. A step of another plugin goes to the `step`
 * hook; what nobody can do is `EUNSUPPORTED`.
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
      // After those who decode such files.
      hooks.inspect.for("kind").tapPromise({ name: NAME, stage: Stage.fallback }, kindOf);

      hooks.transform.tapPromise(NAME, async (job, source, renderContext) => {
        const { format, video, info } = job.transformation.output;
        if (format === "original" || video || info) return undefined;
        // An SVG that stays one is not opened: it is drawn by the client, whatever is in it.
        if (staysVector(job.transformation, source) && sniff(await source.peek(SNIFF_LENGTH)) === "svg") {
          return undefined;
        }
        if (await staysDocument(job.transformation, source, renderContext)) return undefined;
        const header = await renderContext.inspect("header", source);
        if (!isReadable(header)) return undefined;
        const asked = job.transformation.steps;
        const boxes = boxesBefore(asked, renderContext);
        const draft = draftOf({ job, header, renderContext, registry: steps, settings, ...boxes });
        // Where sizes are guessed, a condition may turn out either way.
        const sure = draft.plan.known.rest.length === 0 && !draft.withBoxes;
        const taken = sure ? draft.plan.taken.map(({ step }) => step) : asked;
        return planOf(draft, source, await openLayers(taken, job.asset, renderContext, fonts), renderContext);
      });
    },
  };
}

/** Types of pictures that an SVG is drawn as if its name claims that it is one: clients could not show it otherwise. */
const RASTER = /^image\/(?:p?jpeg|a?png|webp|avif|gif|tiff|bmp)$/;

/** Whether an SVG is delivered as one: the URL asks for no other format, nor for a page (`ik-thumbnail.jpg`). */
function staysVector({ steps, output }: Transformation, { metadata }: Source): boolean {
  const { format = "auto" } = output;
  if (format === "svg") return true;
  if (format !== "auto" && format !== "source") return false;
  return !RASTER.test(typeOfName(metadata.path) ?? "") && !steps.some(({ op }) => op === "frame");
}

async function kindOf(source: Source): Promise<Kind | undefined> {
  const head = await source.peek(SNIFF_LENGTH);
  const read = sniff(head);
  if (read === "svg") return { format: "svg", scalable: true };
  // No animation is written in these formats.
  if (read === "avif" && isAvifSequence(head)) return { format: "avif", document: true };
  if (read === "png" && framesOfPng(await source.peek(APNG_LENGTH)) > 1)
    return { format: "apng", document: true };
  const format = unreadFormat(head);
  return format === undefined ? undefined : { format };
}

export default imageSharp;
