import { spawn } from "node:child_process";
import { start } from "../../src/process/command.ts";
import { temp } from "../../src/process/temp.ts";

// A server as far as these tests need one: it has started a program, and is killed. One of them starts it without what ends it
// with its server, as on a system that has no such thing.

const [program = "", title = ""] = process.argv.slice(2);
const args = [
  ...["-nostdin", "-v", "error", "-re", "-f", "lavfi", "-i", "testsrc2=s=64x64:r=25"],
  ...["-metadata", `title=${title}`, "-f", "null", "-"],
];
if (title.startsWith("ends-with-it")) {
  start({ program, args, signal: new AbortController().signal, timeout: 600_000 });
} else {
  spawn(program, args, { stdio: "ignore", detached: true, cwd: temp().folder });
}
process.stdout.write(`${temp().folder}\n`);
setInterval(() => {}, 1_000);
