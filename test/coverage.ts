// Coverage per package: runs the tests under c8 and prints which part of the lines and branches of each package they execute.
// Arguments are those of run.ts, or `--unit` for the unit tests. `coverage/index.html` shows the lines.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";

interface Count {
  readonly total: number;
  readonly covered: number;
}

const ROOT = resolve(import.meta.dirname, "..");
const isUnit = process.argv[2] === "--unit";
const program = isUnit ? ["test/unit.ts"] : ["test/run.ts", ...process.argv.slice(2)];
const { status } = spawnSync("npx", ["c8", "node", ...program], { cwd: ROOT, stdio: "inherit" });

const summary = JSON.parse(readFileSync(join(ROOT, "coverage/coverage-summary.json"), "utf8")) as Record<
  string,
  { readonly lines: Count; readonly branches: Count }
>;
const files = Object.entries(summary).filter(([file]) => file !== "total");
const packages = Map.groupBy(files, ([file]) => relative(ROOT, file).split("/src/")[0] ?? "");

const percent = (counts: readonly Count[]): string => {
  const sum = (field: keyof Count) => counts.reduce((total, count) => total + count[field], 0);
  return `${((100 * sum("covered")) / Math.max(1, sum("total"))).toFixed(1)} %`.padStart(9);
};

console.log(`\n${"Package".padEnd(30)}    Lines Branches`);
for (const [name, list] of [...packages].sort(([a], [b]) => a.localeCompare(b))) {
  const counts = list.map(([, count]) => count);
  console.log(
    name.padEnd(30) +
      percent(counts.map(({ lines }) => lines)) +
      percent(counts.map(({ branches }) => branches)),
  );
}
process.exitCode = status ?? 1;
