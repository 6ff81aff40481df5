import { availableParallelism } from "node:os";
import { markdown, medianOf, type Results, type Row, ratioOf, short, times } from "./figures.ts";
import type { Sample } from "./scenarios/scenario.ts";

const CEILING = "bare sharp";
/** The ceiling of what is sent from a cache. */
const SENDER = "node:http";

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
  console.log(`\nWhat Mediatap is meant to reach\n\n${markdown(results)}`);
}

function printScenario({ title, share, peers }: Results["scenarios"][number], rest: number): void {
  const named = (name: string) => peers.find(({ peer }) => peer === name);
  const first = named(SENDER) ?? named(CEILING) ?? peers[0];
  const compared = peers.length > 1;
  const shares = peers.some(({ samples }) => samples.some((sample) => sample.share !== undefined));
  const further = [...new Set(peers.flatMap(({ samples }) => samples.flatMap(namesOf)))];
  const columns: Column[] = COLUMNS.map(([name, of]) => ({
    name,
    value: (row) => medianOf(row, of),
    ratio: (row) => ratioOf(row, first, of),
  }));
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
    ...(shares ? [percent(medianOf(row, "share"))] : []),
  ]);
  console.log(`\n${title}`);
  printTable([["", ...head, ...(shares ? ["share"] : [])], ...body]);
  if (shares && share) console.log(`share: ${share}`);
  if (further.length > 0)
    printTable([
      ["", ...further],
      ...peers.map((row) => [row.peer, ...further.map((name) => short(medianOf(row, name)))]),
    ]);
}

const COLUMNS = [
  ["req/s", "throughput"],
  ["p50 ms", "p50"],
  ["p99 ms", "p99"],
  ["CPU ms", "cpu"],
  ["peak MiB", "peak"],
] as const;

interface Column {
  readonly name: string;
  readonly value: (row: Row) => number;
  readonly ratio: (row: Row) => number;
}

const namesOf = ({ more = {} }: Sample) => Object.keys(more);

const percent = (part: number) => `${Math.round(part)} %`;

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
