import { availableParallelism } from "node:os";
import { median } from "./measure.ts";
import type { Sample } from "./scenarios/scenario.ts";

export interface Row {
  readonly peer: string;
  /** One a repetition. */
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
  readonly scenarios: {
    readonly name: string;
    readonly title: string;
    readonly share?: string;
    readonly peers: Row[];
  }[];
}

type Figure = "throughput" | "p50" | "p99" | "cpu" | "peak";

const OWN = "mediatap";
const CEILING = "bare sharp";
/** The ceiling of what is sent from a cache. */
const SENDER = "node:http";

const figure = (row: Row | undefined, name: Figure) =>
  row ? median(row.samples.map((sample) => sample[name])) : Number.NaN;

/** Against another server, each repetition with the one beside it. */
function ratio(row: Row | undefined, to: Row | undefined, name: Figure): number {
  if (!row || !to) return Number.NaN;
  return median(row.samples.map((sample, index) => sample[name] / (to.samples[index]?.[name] ?? Number.NaN)));
}

export function printReport(results: Results): void {
  const { count, repetitions, rest, client } = results;
  console.log(
    `\n${count} photographs of 2 to 12 megapixels, medians of ${repetitions}, ${availableParallelism()} cores, hot URLs by ${client}.`,
  );
  console.log("CPU: user and system time of the server's processes.");
  console.log(
    `×: to ${CEILING} in the same repetition (${SENDER} for what comes from a cache); where neither takes part, to the first of several servers.`,
  );
  for (const scenario of results.scenarios) printScenario(scenario, rest);
  printReach(results);
}

function printScenario({ title, share, peers }: Results["scenarios"][number], rest: number): void {
  const named = (name: string) => peers.find(({ peer }) => peer === name);
  const first = named(SENDER) ?? named(CEILING) ?? peers[0];
  const compared = peers.length > 1;
  const shares = peers.some(({ samples }) => samples.some((sample) => sample.share !== undefined));
  const further = [...new Set(peers.flatMap(({ samples }) => samples.flatMap(namesOf)))];
  const columns: Column[] = [
    {
      name: "req/s",
      value: (row) => figure(row, "throughput"),
      ratio: (row) => ratio(row, first, "throughput"),
    },
    { name: "p50 ms", value: (row) => figure(row, "p50"), ratio: (row) => ratio(row, first, "p50") },
    { name: "p99 ms", value: (row) => figure(row, "p99"), ratio: (row) => ratio(row, first, "p99") },
    { name: "CPU ms", value: (row) => figure(row, "cpu"), ratio: (row) => ratio(row, first, "cpu") },
    { name: "peak MiB", value: (row) => figure(row, "peak"), ratio: (row) => ratio(row, first, "peak") },
  ];
  if (peers.some(({ rested }) => rested !== undefined)) {
    const rested = (row: Row | undefined) => row?.rested ?? Number.NaN;
    columns.push({
      name: `MiB ${rest} s later`,
      value: rested,
      ratio: (row) => rested(row) / rested(first),
    });
  }
  const head = columns.flatMap(({ name }) => (compared ? [name, "×"] : [name]));
  const body = peers.map((row) => [
    row.peer,
    ...columns.flatMap(({ value, ratio }) => {
      const cell = short(value(row));
      return compared ? [cell, times(ratio(row))] : [cell];
    }),
    ...(shares ? [percent(shareOf(row))] : []),
  ]);
  console.log(`\n${title}`);
  printTable([["", ...head, ...(shares ? ["share"] : [])], ...body]);
  if (shares && share) console.log(`share: ${share}`);
  if (further.length > 0)
    printTable([
      ["", ...further],
      ...peers.map((row) => [row.peer, ...further.map((name) => short(moreOf(row, name)))]),
    ]);
}

interface Column {
  readonly name: string;
  readonly value: (row: Row) => number;
  readonly ratio: (row: Row) => number;
}

const namesOf = ({ more = {} }: Sample) => Object.keys(more);

const moreOf = (row: Row | undefined, name: string) =>
  row ? median(row.samples.map(({ more }) => more?.[name] ?? Number.NaN)) : Number.NaN;

const percent = (part: number) => `${Math.round(100 * part)} %`;

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  for (const row of rows) {
    console.log(
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join("  "),
    );
  }
}

const shareOf = (row: Row | undefined) =>
  row ? median(row.samples.map(({ share = Number.NaN }) => share)) : Number.NaN;

/** What this server is meant to reach. */
function printReach({ scenarios }: Results): void {
  const row = (name: string, peer: string) =>
    scenarios.find((scenario) => scenario.name === name)?.peers.find((row) => row.peer === peer);
  const byCeiling = (name: string, of: Figure = "cpu") => ratio(row(name, OWN), row(name, CEILING), of);
  const goals: [string, number, "≤" | "≥" | "<", number, (value: number) => string][] = [
    ["CPU a photograph, JPEG, to bare sharp", byCeiling("distinct-jpg"), "≤", 1.08, times],
    ["CPU a photograph, WebP, to bare sharp", byCeiling("distinct-webp"), "≤", 1.08, times],
    ["CPU a photograph, AVIF, to bare sharp", byCeiling("distinct-avif"), "≤", 1.1, times],
    ["CPU of a product page, to sharp by hand", byCeiling("product"), "≤", 1.3, times],
    ["CPU of a thumbnail, WebP, to sharp by hand", byCeiling("thumb-webp"), "≤", 1.3, times],
    ["CPU of a thumbnail, PNG, to sharp by hand", byCeiling("thumb-png"), "≤", 1.3, times],
    ["hot URL, requests a second", figure(row("hot", OWN), "throughput"), "≥", 10_000, short],
    ["hot URL, p99 in ms", figure(row("hot", OWN), "p99"), "<", 5, short],
    [
      "CPU of a cold URL with 16 clients, to one client",
      ratio(row("cold-16", OWN), row("cold-1", OWN), "cpu"),
      "≤",
      1.15,
      times,
    ],
    ["CPU of a file passed through, to a mere pipe", byCeiling("through"), "≤", 1.5, times],
    ["memory meanwhile, at its peak, to a mere pipe", byCeiling("through", "peak"), "≤", 1.15, times],
    ["304 from memory, a second", figure(row("304-warm", OWN), "throughput"), "≥", 10_000, short],
    ["304 without the rendition, a second", figure(row("304-cold", OWN), "throughput"), "≥", 10_000, short],
    ["burst, p99 of hits in ms", moreOf(row("burst", OWN), "hit p99 ms"), "<", 10, short],
    ["burst, answers other than 200 and 503", moreOf(row("burst", OWN), "others"), "≤", 0, short],
    ["hits from the disk, a second", figure(row("disk", "from disk"), "throughput"), "≥", 10_000, short],
    ["CPU of a cold URL, 16 clients, two workers", shareOf(row("workers", "two workers")), "≤", 1.1, times],
  ];
  const measured = goals.filter(([, value]) => !Number.isNaN(value));
  if (measured.length === 0) return;
  console.log(`\nWhat ${OWN} is meant to reach`);
  printTable(
    measured.map(([name, value, relation, goal, print]) => {
      const reached = relation === "≥" ? value >= goal : relation === "<" ? value < goal : value <= goal;
      return [name, print(value), `${relation} ${print(goal)}`, reached ? "yes" : "NO"];
    }),
  );
}

const times = (value: number) =>
  Number.isNaN(value) ? "–" : value >= 100 ? value.toFixed(0) : value.toFixed(2);

function short(value: number): string {
  if (Number.isNaN(value)) return "–";
  if (Number.isInteger(value) && value < 1000) return String(value);
  if (value >= 1000) return Math.round(value).toLocaleString("en");
  return value >= 100 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(3);
}
