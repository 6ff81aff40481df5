import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeFolder } from "@mediatap/test";

const run = promisify(execFile);
const BUDGET = new URL("../src/budget.ts", import.meta.url).href;
const SWEEPER = new URL("../src/sweeper.ts", import.meta.url).href;

describe("cache-disk: the thread that counts and evicts", () => {
  /** What a process prints that does this and has nothing else to do. */
  async function output(program: string): Promise<string> {
    const folder = await makeFolder();
    try {
      await folder.write("program.mjs", program.replaceAll("FOLDER", JSON.stringify(`${folder.path}/cache`)));
      const file = join(folder.path, "program.mjs");
      const { stdout } = await run(process.execPath, ["--conditions=mediatap:source", file]);
      return stdout;
    } finally {
      await folder.close();
    }
  }

  it("finishes its tasks before the process ends", async () => {
    const program = `
      import { createSweeper } from ${JSON.stringify(SWEEPER)};
      const sweeper = createSweeper(FOLDER);
      sweeper.run({ uses: [] });
      sweeper.run({ uses: [], maxBytes: 1000 }).then(({ bytes }) => console.log("counted", bytes));
      await sweeper.close();
      console.log("closed");
    `;
    assert.equal(await output(program), "counted 0\nclosed\n");
  });

  it("finishes a count that runs when its cache is closed", async () => {
    const program = `
      import { createBudget } from ${JSON.stringify(BUDGET)};
      const budget = createBudget(FOLDER, 1000, console);
      budget.start();
      budget.used("entry");
      await budget.close();
      console.log("closed");
    `;
    assert.equal(await output(program), "closed\n");
  });
});
