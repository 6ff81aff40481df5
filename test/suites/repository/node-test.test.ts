import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";

const FILE = join(import.meta.dirname, "../support/node-test.ts");

/** What `node --test` says of a file with contract suites. */
async function nodeTest(env: Readonly<Record<string, string>>) {
  const args = ["--conditions=mediatap:source", "--test", "--test-reporter=tap", FILE];
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...rest } = process.env;
  const options = { env: { ...rest, ...env }, maxBuffer: 16 * 1024 * 1024 };
  const { stdout, code = 0 } = (await promisify(execFile)(process.execPath, args, options).catch(
    (error: { stdout: string; code: number }) => error,
  )) as { stdout: string; code?: number };
  const count = (word: string) => Number(new RegExp(`^# ${word} (\\d+)$`, "m").exec(stdout)?.[1]);
  return { stdout, code, passed: count("pass"), failed: count("fail") };
}

describe("contract suites under node --test", () => {
  it("run, and pass what is right", async () => {
    const { stdout, code, passed, failed } = await nodeTest({});
    assert.deepEqual({ code, failed }, { code: 0, failed: 0 }, stdout.slice(-3000));
    assert(passed > 60, `${passed} tests`);
    for (const title of ["takes every name literally", "answers any path and query", "forgets everything"]) {
      assert.match(stdout, new RegExp(`ok \\d+ - ${title}`));
    }
  });

  it("fail what is wrong", async () => {
    const { stdout, code, failed } = await nodeTest({ BROKEN: "1" });
    assert.equal(code, 1);
    assert(failed > 0);
    assert.match(stdout, /not ok \d+ - keeps what is said of a file that is written/);
  });
});
