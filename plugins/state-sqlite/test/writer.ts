import { pino } from "pino";
import { openSqlite } from "../src/store.ts";

// Writes revisions and records until it is killed, and prints the number of each one that is safe.
const store = openSqlite(process.argv[2] ?? "", pino({ level: "silent" }));
const records = store.records("written");
for (let number = 1; ; number++) {
  const content = JSON.stringify({ number, filler: "x".repeat(20_000) });
  await store.write({ time: Date.now(), author: "writer", comment: "", content }, number - 1);
  await records.put(String(number).padStart(9, "0"), content);
  process.stdout.write(`${number}\n`);
}
