import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeFolder } from "@mediatap/test";

const run = promisify(execFile);
const SWEEPER = new URL("../src/sweeper.ts", import.meta.url).href;

describe("cache-disk: the thread that counts and evicts", () => {
  it("finishes its tasks before a process ends that has nothing else to do", async () => {
    const folder = await makeFolder();
    const program = `
      import { createSweeper } from ${JSON.stringify(SWEEPER)};
      const sweeper = createSweeper(${JSON.stringify(folder.path)});
      sweeper.run({ uses: [] });
      sweeper.run({ uses: [], maxBytes: 1000 }).then(({ bytes }) => console.log("counted", bytes));
      await sweeper.close();
      console.log("closed");
    `;
    await folder.write("program.mjs", program);
    const { stdout } = await run(process.execPath, [
      "--conditions=mediatap:source",
      join(folder.path, "program.mjs"),
    ]);
    assert.equal(stdout, "counted 0\nclosed\n");
    await folder.close();
  });
});
