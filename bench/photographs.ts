import { copyFileSync, existsSync, linkSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sharp } from "sharp";
import { sharp } from "./peers/sharp.ts";

export const SAMPLES = new URL("../examples/start/media/", import.meta.url);
const RATIOS = [3 / 2, 2 / 3, 4 / 3, 16 / 9, 1];
/** Part of the name of the folder they are kept in: to be raised when they come out differently. */
const VERSION = 1;

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A folder with `count` distinct photographs of 2 to 12 megapixels, the same ones each time; made once. */
export async function photographs(count: number): Promise<string> {
  const folder = join(tmpdir(), `mediatap-bench-${VERSION}-${count}`);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  mkdirSync(unfinished, { recursive: true });
  for (let index = 0; index < count; index++) await make(index, count, join(unfinished, nameOf(index)));
  renameSync(unfinished, folder);
  return folder;
}

export const nameOf = (index: number) => `p${String(index).padStart(3, "0")}.jpg`;

/** A cut of a sample photograph, scaled, a little brighter or darker, as a camera would store it. */
async function make(index: number, count: number, file: string): Promise<void> {
  const next = random(index + 1);
  const samples = readdirSync(SAMPLES).filter((name) => name.endsWith(".jpg"));
  const sample = new URL(samples[index % samples.length] as string, SAMPLES).pathname;
  const { width = 0, height = 0 } = await sharp(sample).metadata();
  const ratio = RATIOS[Math.floor(next() * RATIOS.length)] as number;
  const part = 0.75 + 0.25 * next();
  const cut = {
    width: Math.floor(part * Math.min(width, height * ratio)),
    height: Math.floor(part * Math.min(height, width / ratio)),
  };
  // Sizes are spread evenly; 7 has no factor in common with usual counts, so that they do not go with the sample.
  const megapixels = 2 + (10 * ((index * 7) % count)) / Math.max(1, count - 1);
  const to = Math.round(Math.sqrt(megapixels * 1e6 * ratio));
  await sharp(sample)
    .extract({
      left: Math.floor(next() * (width - cut.width)),
      top: Math.floor(next() * (height - cut.height)),
      ...cut,
    })
    .resize({ width: to })
    .modulate({ brightness: 0.85 + 0.3 * next() })
    .jpeg({ quality: 86 + Math.floor(7 * next()) })
    .toFile(file);
}

/** A photograph of so many megapixels, 3:2, in the format of a camera; made once. */
export const large = (megapixels: number) =>
  once(`${megapixels}mp.jpg`, () => {
    const width = Math.floor(Math.sqrt(megapixels * 1e6 * 1.5));
    const sample = new URL("mountains.jpg", SAMPLES).pathname;
    return sharp(sample, { limitInputPixels: false })
      .resize({ width, height: Math.floor(width / 1.5), fit: "cover" })
      .jpeg({ quality: 88 });
  });

/** A photograph that costs little to make anything of; made once. */
export const small = () => once("small.jpg", () => stream().resize({ width: 600 }).jpeg());

/** One that costs next to nothing: 96x64, as avatars and icons are. */
export const tiny = () => once("tiny.jpg", () => stream().resize({ width: 96, height: 64 }).jpeg());

/** A PNG of 3 megapixels that fades out towards its edges. */
export const transparent = () =>
  once("transparent.png", () => {
    const [width, height] = [2000, 1500];
    const mask = `<svg width="${width}" height="${height}"><radialGradient id="g"><stop offset=".5"/><stop offset="1" stop-opacity="0"/></radialGradient><rect width="100%" height="100%" fill="url(#g)"/></svg>`;
    return stream()
      .resize({ width, height })
      .composite([{ input: Buffer.from(mask), blend: "dest-in" }])
      .png();
  });

const stream = () => sharp(new URL("stream.jpg", SAMPLES).pathname);

/** A file that is made at its first use and kept for later runs. */
export async function once(name: string, make: () => Sharp | Promise<Sharp>): Promise<string> {
  const file = join(tmpdir(), `mediatap-bench-${VERSION}-${name}`);
  if (existsSync(file)) return file;
  const unfinished = `${file}.${process.pid}`;
  await (await make()).toFile(unfinished);
  renameSync(unfinished, file);
  return file;
}

/**
 * The photographs once more under names of their own (hard links, which cost nothing): to a server they are files that
 * it has never seen, so that each repetition is as cold as the first.
 */
export function freshSet(media: string, from: string, set: string, count: number): string[] {
  return linkAll(media, set, count, (index) => join(from, nameOf(index)));
}

/** Names that a file may have: ext4 allows 65,000. */
const LINKS = 50_000;

/** One file under many names; copies of it, as a file may have only so many names. */
export function freshLinks(media: string, file: string, set: string, count: number): string[] {
  const copies = Array.from({ length: Math.ceil(count / LINKS) }, (_, index) => {
    const copy = join(media, `${set}-${index}`);
    copyFileSync(file, copy);
    return copy;
  });
  return linkAll(media, set, count, (index) => copies[Math.floor(index / LINKS)] as string);
}

function linkAll(media: string, set: string, count: number, fileOf: (index: number) => string): string[] {
  mkdirSync(join(media, set), { recursive: true });
  return Array.from({ length: count }, (_, index) => {
    const path = `${set}/${nameOf(index)}`;
    rmSync(join(media, path), { force: true });
    linkSync(fileOf(index), join(media, path));
    return path;
  });
}
