/** Samples of a picture as they travel between threads: frames one below the other, 8 bits a sample. */
export interface Samples {
  readonly data: Uint8Array<ArrayBuffer>;
  /** Of one frame. */
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
  readonly frames: number;
}

/** A module whose `pixels` runs in a thread. `options` are plain data. */
export interface PixelModule<O = never> {
  pixels(picture: Samples, options: O): Samples;
}

/** The picture with three channels, and a fourth where it is clear or may become so. */
export function inColor(picture: Samples, clear: boolean): Samples {
  const { channels, data } = picture;
  const target = clear || channels === 2 || channels === 4 ? 4 : 3;
  if (channels === target) return picture;
  const grey = channels < 3;
  const alpha = channels === 2 || channels === 4;
  const pixels = data.length / channels;
  const converted = new Uint8Array(pixels * target);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const from = pixel * channels;
    const to = pixel * target;
    for (let channel = 0; channel < 3; channel++)
      converted[to + channel] = data[from + (grey ? 0 : channel)] as number;
    if (target === 4) converted[to + 3] = alpha ? (data[from + channels - 1] as number) : 255;
  }
  return { ...picture, data: converted, channels: target };
}
