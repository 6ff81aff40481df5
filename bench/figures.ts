import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus } from "node:os";
import { dirname, join } from "node:path";
import { GOALS, type Goal } from "./goals.ts";
import { median } from "./measure.ts";
import { sharp } from "./peers/sharp.ts";
import type { Sample } from "./scenarios/scenario.ts";

export interface Row {
  readonly peer: string;
  /** One per repetition. */
  readonly samples: Sample[];
  /** MiB in use after the rest. */
  rested?: number;
}

export interface Results {
  readonly count: number;
  readonly repetitions: number;
  /** Seconds. */
  readonly rest: number;
  readonly client: string;
  scenarios: {
    readonly name: string;
    readonly title: string;
    readonly share?: string;
    readonly peers: Row[];
  }[];
}

/** One row of the table. */
interface Figure {
  readonly goal: Goal;
  readonly value: number;
  /** Of the server that it is compared with, and of the other peers. */
  readonly other: number;
  readonly ratio: number;
  readonly peers: Readonly<Record<string, { readonly value: number; readonly ratio: number }>>;
  /** `undefined`: there is no target. */
  readonly reached?: boolean;
}

const OWN = "mediatap";
const PEERS = ["ipx", "nginx"];

/** A figure of one repetition: a column, or a further figure by its name. */
export function figureOf(sample: Sample | undefined, of: string): number {
  if (!sample) return Number.NaN;
  if (of === "share") return 100 * (sample.share ?? Number.NaN);
  const { throughput, p50, p99, cpu, peak } = sample;
  const columns: Readonly<Record<string, number>> = { throughput, p50, p99, cpu, peak };
  return columns[of] ?? sample.more?.[of] ?? Number.NaN;
}

export const medianOf = (row: Row | undefined, of: string) =>
  row ? median(row.samples.map((sample) => figureOf(sample, of))) : Number.NaN;

/** To another server, each repetition to the one beside it. */
export function ratioOf(row: Row | undefined, to: Row | undefined, of: string): number {
  if (!row || !to) return Number.NaN;
  return median(row.samples.map((sample, index) => figureOf(sample, of) / figureOf(to.samples[index], of)));
}

/** All rows of the scenarios that were run; a value that is missing is `NaN`. */
function figuresOf({ scenarios }: Results): Figure[] {
  return GOALS.flatMap((goal) => {
    const { scenario: name, of, peer = OWN } = goal.value;
    const rows = scenarios.find((scenario) => scenario.name === name)?.peers;
    if (!rows) return [];
    const row = (peer: string | undefined) => rows.find((row) => row.peer === peer);
    const [own, to] = [row(peer), row(goal.to)];
    const value = medianOf(own, of);
    const ratio = ratioOf(own, to, of);
    const peers = PEERS.map((peer) => {
      return [peer, { value: medianOf(row(peer), of), ratio: ratioOf(row(peer), to, of) }] as const;
    });
    const figure = { goal, value, other: medianOf(to, of), ratio, peers: Object.fromEntries(peers) };
    if (!goal.target) return [figure];
    const [kind, relation, bound] = goal.target;
    const measured = kind === "ratio" ? ratio : value;
    if (Number.isNaN(measured)) return [figure];
    return [{ ...figure, reached: relation === "≤" ? measured <= bound : measured >= bound }];
  });
}

/** What was measured, as a table and a list of what is not reached: Markdown. */
export function markdown(results: Results): string {
  const figures = figuresOf(results);
  const head = ["Work", "Unit", "Mediatap", "beside it", "×", ...PEERS, "target", "reached"];
  const body = figures.map(({ goal, value, other, ratio, peers, reached }) => [
    goal.work,
    goal.unit,
    `**${short(value)}**`,
    Number.isNaN(other) ? "–" : `${short(other)} ${goal.to}`,
    times(ratio),
    ...PEERS.map((peer) => short(peers[peer]?.value ?? Number.NaN)),
    targetOf(goal),
    reached === undefined ? "–" : reached ? "yes" : "**no**",
  ]);
  const missed = figures
    .filter(({ reached }) => reached === false)
    .map(({ goal, value, ratio }) => {
      const measured = goal.target?.[0] === "ratio" ? `${times(ratio)} ×` : `${short(value)} ${goal.unit}`;
      return `- ${goal.work}: ${measured.trim()} (${targetOf(goal)})`;
    });
  return [
    introduction(results),
    table([head, ...body]),
    ...(missed.length > 0 ? ["Not reached:", missed.join("\n")] : ["All targets are reached."]),
  ].join("\n\n");
}

function introduction({ count, repetitions, client }: Results): string {
  const [{ model = "" } = {}] = cpus();
  const day = new Date().toISOString().slice(0, 10);
  return `${day}, ${availableParallelism()} cores (${model.trim()}), Node ${process.versions.node}, sharp ${sharp.versions.sharp} (libvips ${sharp.versions.vips}). Medians of ${repetitions}, ${count} photographs, hits by ${client}.`;
}

/** The table of the README: CPU relative to the bare server, and rates. */
export function speed(results: Results): string {
  const figures = figuresOf(results).filter(({ goal }) => goal.label !== undefined);
  const body = figures.map(({ goal, value, ratio, peers }) => {
    const cell = (own: { value: number; ratio: number } | undefined) =>
      goal.unit === "requests/s" ? short(own?.value ?? Number.NaN) : times(own?.ratio ?? Number.NaN);
    return [goal.label ?? "", `**${cell({ value, ratio })}**`, ...PEERS.map((peer) => cell(peers[peer]))];
  });
  return table([["", "Mediatap", "ipx", "nginx `image_filter`"], ...body]);
}

const targetOf = ({ target }: Goal) =>
  target ? `${target[1]} ${target[2].toLocaleString("en")}${target[0] === "ratio" ? " ×" : ""}` : "–";

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  const [head = [], ...body] = rows;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n");
}

const ROOT = join(import.meta.dirname, "..");
const STORED = join(ROOT, ".cache/bench.json");

/**
 * Keeps the figures, and returns them. Those of a run of single scenarios (`isPart`) replace those of the same scenarios; the others
 * are of earlier runs.
 */
export function merge(results: Results, isPart: boolean): Results {
  const earlier =
    isPart && existsSync(STORED) ? (JSON.parse(readFileSync(STORED, "utf8")) as Results) : undefined;
  const names = new Set(results.scenarios.map(({ name }) => name));
  const others = earlier?.scenarios.filter(({ name }) => !names.has(name)) ?? [];
  const merged = { ...(earlier ?? results), scenarios: [...others, ...results.scenarios] };
  mkdirSync(dirname(STORED), { recursive: true });
  writeFileSync(STORED, JSON.stringify(merged));
  return merged;
}

/** Writes both tables to the READMEs, between their marks. */
export function writeTables(results: Results): void {
  replace("bench/README.md", "figures", markdown(results));
  replace("README.md", "speed", speed(results));
}

function replace(file: string, mark: string, text: string): void {
  const path = join(ROOT, file);
  const page = readFileSync(path, "utf8");
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- end of ${mark} -->`];
  const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  if (from < begin.length || to < from) throw new Error(`${file} has no marks of ${mark}`);
  writeFileSync(path, `${page.slice(0, from)}\n\n${text}\n\n${page.slice(to)}`);
}

export const times = (value: number) =>
  Number.isNaN(value) ? "–" : value >= 100 ? value.toFixed(0) : value.toFixed(2);

export function short(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (Number.isInteger(value) && value < 1000) return String(value);
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3);
}
