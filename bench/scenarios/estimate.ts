import { each } from "../load.ts";
import { median } from "../measure.ts";
import { configured } from "../peers/mediatap.ts";
import { costOf, explainable } from "./explained.ts";
import type { Sample, Scenario } from "./scenario.ts";

/** Kinds of work that are priced by rules of their own. */
const CLASSES: Readonly<Record<string, string>> = {
  "JPEG 256": "w-256,f-jpg",
  "JPEG 1200": "w-1200,f-jpg",
  "WebP 512": "w-512,f-webp",
  "WebP 1600": "w-1600,f-webp",
  "AVIF 512": "w-512,f-avif",
  "AVIF 1200": "w-1200,f-avif",
  "PNG 512": "w-512,f-png",
  "blur, WebP": "w-800,bl-10,f-webp",
  "chain, WebP": "w-600:w-400,h-400,cm-extract:e-sharpen:r-40,f-webp",
};

/**
 * What work is thought to cost, by which it is admitted, against what it costs. How fast a machine is goes into all alike;
 * how far the kinds of work lie apart is the error.
 */
export const estimate: Scenario = {
  name: "estimate",
  title:
    "estimated work against CPU, each photograph in each form (columns: estimate / CPU, by kind of work)",
  servers: [configured("mediatap", explainable)],
  once: true,
  takes: () => true,
  async run(turn) {
    const { origin } = turn.running;
    const more: Record<string, number> = {};
    const samples: Sample[] = [];
    for (const [name, form] of Object.entries(CLASSES)) {
      const paths = turn.links().map((photograph) => `/tr:${form}/${photograph}`);
      const costs = await Promise.all(paths.map((path) => costOf(origin, path)));
      const sample = await turn.measure(() =>
        each(
          paths.map((path) => origin + path),
          1,
        ),
      );
      const cost = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
      more[name] = cost / sample.cpu;
      samples.push(sample);
    }
    const ratios = Object.values(more);
    more.farthest = Math.max(Math.max(...ratios) / median(ratios), median(ratios) / Math.min(...ratios));
    const all = (of: (sample: Sample) => number) => median(samples.map(of));
    return {
      requests: samples.reduce((sum, { requests }) => sum + requests, 0),
      throughput: all(({ throughput }) => throughput),
      p50: all(({ p50 }) => p50),
      p99: all(({ p99 }) => p99),
      cpu: all(({ cpu }) => cpu),
      peak: Math.max(...samples.map(({ peak }) => peak)),
      more,
    };
  },
};
