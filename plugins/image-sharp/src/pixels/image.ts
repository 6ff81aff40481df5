import sharp, { type Sharp, type SharpInput, type SharpOptions } from "sharp";

/**
 * An image as sharp's constructor makes it, but without a stream: garbage as soon as nothing needs it.
 *
 * A sharp image is a writable stream, too, and Node assigns a function to each (`WritableState.onwrite`). V8 allocates functions
 * that are assigned to a property with the old objects, and what they refer to lives until those are collected: the image, its
 * options, and the bytes of its source.
 */
export function openImage(input: SharpInput | SharpOptions, options?: SharpOptions): Sharp {
  const stream = sharp(input as SharpInput, options) as WithOptions;
  const image = Object.create(sharp.prototype) as WithOptions;
  image.options = stream.options;
  stream.options = undefined;
  return image;
}

/** The options of an image, of which sharp's types say nothing. */
type WithOptions = Sharp & { options: unknown };
