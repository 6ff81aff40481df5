/** A figure of a scenario; `of`: a column, or the name of a further figure. */
export interface Reading {
  readonly scenario: string;
  readonly of: string;
  /** @default "mediatap" */
  readonly peer?: string;
}

/** Relation and bound of a value, or of its ratio to that of another server. */
export type Target = readonly [of: "value" | "ratio", relation: "≤" | "≥", bound: number];

/** One row of the table. */
export interface Goal {
  readonly work: string;
  readonly unit: string;
  readonly value: Reading;
  /** What the value is compared with: the name of another server in the same scenario. */
  readonly to?: string;
  /** Left out: it is only measured. */
  readonly target?: Target;
  /** Label of the row in the README. */
  readonly label?: string;
}

const SHARP = "bare sharp";
const HTTP = "node:http";

const at = (scenario: string, of: string, peer?: string): Reading => ({
  scenario,
  of,
  ...(peer && { peer }),
});
const memory = (of: string) => at("many", of, "from memory");
const disk = (of: string) => at("many", of, "from disk");
const pair = (of: string) => at("scale", of, "two workers");
const barePair = (of: string) => at("scale", of, "bare, two workers");
const ten = (of: string) => at("fleet", of, "ten machines");

const most = (bound: number) => ["value", "≤", bound] as const;
const least = (bound: number) => ["value", "≥", bound] as const;
const mostTimes = (bound: number) => ["ratio", "≤", bound] as const;
const leastTimes = (bound: number) => ["ratio", "≥", bound] as const;

const goal = (
  work: string,
  unit: string,
  value: Reading,
  to?: string,
  target?: Target,
  label?: string,
): Goal => ({
  work,
  unit,
  value,
  ...(to && { to }),
  ...(target && { target }),
  ...(label && { label }),
});

const grown = (what: string) =>
  goal(`hits with ${what}`, "CPU ms", at("growth", "cpu", what), "base", mostTimes(1.1));

/** What Mediatap is meant to reach, in the order of the table. */
export const GOALS: readonly Goal[] = [
  goal("photograph to 512 px JPEG", "CPU ms", at("distinct-jpg", "cpu"), SHARP, mostTimes(1.05), "JPEG"),
  goal("photograph to 512 px WebP", "CPU ms", at("distinct-webp", "cpu"), SHARP, mostTimes(1.05), "WebP"),
  goal("photograph to 512 px AVIF", "CPU ms", at("distinct-avif", "cpu"), SHARP, mostTimes(1.05), "AVIF"),
  goal("one of a web server to 256 px WebP", "CPU ms", at("remote", "cpu"), SHARP, mostTimes(1.1)),
  goal("PNG with alpha to 512 px WebP", "CPU ms", at("alpha", "cpu"), SHARP),
  goal("JPEG of 96×64, a new URL", "CPU ms", at("tiny", "cpu"), SHARP, most(3)),
  goal("one hot URL in memory", "CPU ms", at("hot", "cpu"), HTTP, most(0.04)),
  goal(
    "one hot URL in memory",
    "requests/s",
    at("hot", "throughput"),
    HTTP,
    undefined,
    "hot URL, requests per second",
  ),
  goal("random one of 24,000 URLs in memory", "CPU ms", memory("cpu"), HTTP, most(0.08)),
  goal("random one of 24,000 URLs on disk", "CPU ms", disk("cpu"), HTTP, most(0.1)),
  goal("one of 400 URLs on disk", "CPU ms", at("disk", "cpu", "from disk"), "from memory", most(0.1)),
  goal("304", "CPU ms", at("304-warm", "cpu"), HTTP, most(0.03)),
  goal("start to the first image", "ms", at("start", "p50"), SHARP, most(350)),
  goal("start to the first image", "CPU ms", at("start", "cpu"), SHARP, most(400)),
  goal("idle after the start", "MiB", at("start", "idle"), SHARP, most(100)),
  goal("start to the first hit, 200,000 entries on disk", "ms", at("restart", "p50"), undefined, most(1000)),
  goal("entry in memory, without the bytes of its body", "KiB", memory("KiB an entry"), HTTP, most(1)),
  goal("100,000 tiny URLs, cache of 256 MiB", "MiB", memory("MiB of all"), undefined, most(450)),
  goal("100,000 tiny URLs, disk cache alone", "MiB", disk("MiB of all"), undefined, most(220)),
  goal("JPEG of 100 megapixels, peak", "MiB", at("huge", "peak"), SHARP, most(150)),
  goal("one cold URL, 16 clients", "CPU ms", at("cold-16", "cpu"), HTTP, mostTimes(1.08)),
  goal("clients gone after 60 ms: CPU still used", "%", at("leave", "share"), SHARP, most(20)),
  goal("fidelity, source of 2000 px", "SSIMULACRA 2", at("fidelity", "2000 px"), SHARP, least(74.8)),
  // 34 KiB with photographs of which sharp makes 34.7.
  goal("fidelity, source of 2000 px", "KiB", at("fidelity", "KiB of 2000"), SHARP, mostTimes(0.98)),
  goal("fidelity, lowest of three sizes", "SSIMULACRA 2", at("fidelity", "lowest"), SHARP, least(74.5)),
  goal("high fidelity, lowest", "SSIMULACRA 2", at("fidelity-high", "lowest"), undefined, least(76.5)),
  goal("high fidelity, source of 2000 px", "CPU ms", at("fidelity-high", "CPU of 2000")),
  goal("hits with cached URLs ×10", "× CPU", memory("growth"), HTTP, most(1.1)),
  ...["origins ×10", "endpoints ×10", "named ×100", "tenants ×100"].map(grown),
  goal("two workers, two cores: new images", "per second", pair("throughput"), "one core", leastTimes(1.8)),
  goal("two workers, two cores: hits", "requests/s", pair("hits/s"), "one core", leastTimes(1.8)),
  goal("two workers, two cores: hits", "CPU ms", pair("CPU ms a hit"), "one core", mostTimes(1.1)),
  goal("two workers, two cores: p99 of hits", "ms", pair("hit p99 ms"), "one core"),
  goal("two bare servers: new images", "per second", barePair("throughput"), "bare, one core"),
  goal("two bare servers: hits", "requests/s", barePair("hits/s"), "bare, one core"),
  goal("two bare servers: hits", "CPU ms", barePair("CPU ms a hit"), "bare, one core"),
  goal("ten machines: new images, 4 clients each", "per second", ten("throughput"), "one machine"),
  goal("ten machines: new images, 4 clients each", "CPU ms", ten("cpu"), "one machine"),
  goal("ten machines: renders done twice", "", ten("duplicates"), undefined, most(0)),
  goal("ten machines: hits", "requests/s", ten("hits/s"), "one machine"),
  goal("ten machines: a purge", "ms", ten("purge p50 ms"), "one machine"),
  goal("ten machines: old responses after a purge", "", ten("stale"), undefined, most(0)),
  goal("product page", "CPU ms", at("product", "cpu"), SHARP, mostTimes(1.3)),
  goal("thumbnail, WebP", "CPU ms", at("thumb-webp", "cpu"), SHARP, mostTimes(1.3)),
  goal("thumbnail, PNG", "CPU ms", at("thumb-png", "cpu"), SHARP, mostTimes(1.3)),
  goal("1 GiB passed through", "CPU ms", at("through", "cpu"), SHARP, mostTimes(1.5)),
  goal("1 GiB passed through, peak", "MiB", at("through", "peak"), SHARP, mostTimes(1.15)),
  goal("ten seconds of video", "CPU ms", at("video", "cpu"), SHARP),
  goal("304 after a restart", "requests/s", at("304-cold", "throughput"), undefined, least(10_000)),
  goal("burst: p99 of hits", "ms", at("burst", "hit p99 ms"), undefined, most(10)),
  goal("burst: responses other than 200 and 503", "", at("burst", "others"), undefined, most(0)),
  goal(
    "two workers, a cold URL, 16 clients, to one",
    "%",
    at("workers", "share", "two workers"),
    undefined,
    most(110),
  ),
  goal("`avif-later`: time to AVIF", "ms", at("avif", "ms to AVIF", "avif-later")),
  goal("`avif-later`: AVIF in the last third", "%", at("avif", "AVIF % of last", "avif-later")),
];
