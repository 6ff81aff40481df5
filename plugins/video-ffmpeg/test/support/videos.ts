import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runFfmpeg } from "@mediatap/test";

export { FFMPEG } from "@mediatap/test";

/** A folder of videos that tests make for themselves. */
export interface Studio {
  readonly folder: string;
  path(name: string): string;
  /** Runs ffmpeg, quiet; a video of that name is its output. Once a name. */
  make(name: string, ...args: readonly string[]): Promise<string>;
  bytes(name: string): Promise<Buffer>;
  close(): Promise<void>;
}

export async function openStudio(): Promise<Studio> {
  const folder = await mkdtemp(join(tmpdir(), "mediatap-videos-"));
  const made = new Map<string, Promise<string>>();
  const path = (name: string) => join(folder, name);
  return {
    folder,
    path,
    make(name, ...args) {
      const known = made.get(name);
      if (known) return known;
      const file = path(name);
      const work = runFfmpeg(file, ...args).then(() => file);
      made.set(name, work);
      return work;
    },
    bytes: (name) => readFile(path(name)),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The test picture that moves, with a tone: 320x180, 25 frames a second. */
export const testPicture = (seconds: number): readonly string[] => [
  ...["-f", "lavfi", "-i", `testsrc2=s=320x180:r=25:d=${seconds}`],
  ...["-f", "lavfi", "-i", `sine=f=440:d=${seconds}`],
];

/** H.264 and AAC, quickly; key frames every `gop` frames. */
export const mp4 = (gop = 50): readonly string[] => [
  ...["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast"],
  ...["-g", String(gop), "-keyint_min", String(gop), "-sc_threshold", "0", "-bf", "2"],
  ...["-c:a", "aac", "-shortest", "-movflags", "+faststart"],
];

/** Pictures of 160x90 that show their own number, as ten bars black (0) or white (1), the lowest digit first. */
export const numbered = (seconds: number, rate: number | string = 25): readonly string[] => [
  ...["-f", "lavfi", "-i"],
  `color=black:s=10x1:r=${rate}:d=${seconds},format=gray,geq=lum='if(mod(floor(N/pow(2,X)),2),235,16)',scale=160:90:flags=neighbor,setsar=1`,
];

/** The number that a picture of `numbered` shows. */
export function numberIn(at: (x: number, y: number) => readonly number[], scale = 1): number {
  let number = 0;
  for (let bit = 0; bit < 10; bit++) {
    const [red = 0] = at(Math.floor((bit * 16 + 8) * scale), Math.floor(45 * scale));
    if (red > 128) number += 2 ** bit;
  }
  return number;
}
