import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Picture, ssimulacra2 } from "../../plugins/migrate/src/ssimulacra2.ts";
import { median, quantile } from "../measure.ts";
import { configured } from "../peers/mediatap.ts";
import { sharp } from "../peers/sharp.ts";
import { once, SAMPLES } from "../photographs.ts";
import type { Sample, Scenario, Turn } from "./scenario.ts";

const WIDTHS = [768, 2000, 4000];
const WIDTH = 512;

/** How like a resize in linear light the results look, by the size of the source. */
export const fidelity: Scenario = {
  name: "fidelity",
  title: `SSIMULACRA 2 of JPEG at ${WIDTH} px and quality 80, to Lanczos3 in linear light, by the width of the source`,
  once: true,
  takes: ({ name }) => name === "mediatap" || name === "bare sharp",
  run: scores,
};

/** The same with the option `fidelity: "high"`. */
export const highFidelity: Scenario = {
  ...fidelity,
  name: "fidelity-high",
  title: 'the same with the option `fidelity: "high"`',
  servers: [configured("mediatap", { fidelity: "high" })],
};

async function scores(turn: Turn): Promise<Sample> {
  const { origin, peer } = turn.running;
  const more: Record<string, number> = {};
  const times: number[] = [];
  for (const width of WIDTHS) {
    const sources = await photographsOf(width);
    const results: Buffer[] = [];
    const { cpu } = await turn.measure(async () => {
      for (const source of sources) {
        const [path = ""] = turn.links(source, 1);
        const begun = performance.now();
        const response = await fetch(origin + peer.path(path, "jpg"));
        if (response.status !== 200) throw new Error(`${peer.name} answered ${response.status}`);
        results.push(Buffer.from(await response.arrayBuffer()));
        times.push(performance.now() - begun);
      }
      return load(times);
    });
    const scores: number[] = [];
    for (const [index, result] of results.entries()) {
      const picture = await pixels(sharp(result));
      scores.push(ssimulacra2(await reference(sources[index] as string, picture), picture));
    }
    more[`${width} px`] = mean(scores);
    more[`KiB of ${width}`] = mean(results.map(({ length }) => length / 1024));
    more[`CPU of ${width}`] = (cpu * times.length) / sources.length;
  }
  more.lowest = Math.min(...WIDTHS.map((width) => more[`${width} px`] ?? Number.NaN));
  return { ...load(times), cpu: Number.NaN, peak: Number.NaN, more };
}

const mean = (numbers: readonly number[]) => numbers.reduce((sum, value) => sum + value, 0) / numbers.length;

const load = (times: readonly number[]) => ({
  requests: times.length,
  throughput: 1000 / mean(times),
  p50: median(times),
  p99: quantile(times, 0.99),
});

/** Each sample, and a cut of it, of this width. */
async function photographsOf(width: number): Promise<string[]> {
  const samples = readdirSync(SAMPLES).filter((name) => name.endsWith(".jpg"));
  const cut = (name: string) => [1, 0.7].map((part) => ({ name, part }));
  return await Promise.all(
    samples.flatMap(cut).map(({ name, part }) =>
      once(`${width}-${part}-${name}`, async () => {
        const file = join(SAMPLES.pathname, name);
        const size = await sharp(file).metadata();
        const [w, h] = [Math.floor(size.width * part), Math.floor(size.height * part)];
        return sharp(file)
          .extract({ left: 0, top: 0, width: w, height: h })
          .resize({ width })
          .jpeg({ quality: 92 });
      }),
    ),
  );
}

const references = new Map<string, Promise<Picture>>();

/** A resize in linear light. Servers round heights differently, so there may be several of one file. */
function reference(file: string, { width, height }: Picture): Promise<Picture> {
  const name = `${width}x${height} ${file}`;
  const before = references.get(name);
  if (before) return before;
  const picture = pixels(
    sharp(file)
      .pipelineColourspace("scrgb")
      .resize({ width, height, fit: "fill", fastShrinkOnLoad: false })
      .toColourspace("srgb"),
  );
  references.set(name, picture);
  return picture;
}

async function pixels(image: ReturnType<typeof sharp>): Promise<Picture> {
  const { data, info } = await image.removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}
