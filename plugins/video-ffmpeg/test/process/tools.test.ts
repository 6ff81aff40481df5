import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmod, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { makeFolder, type TestFolder } from "@mediatap/test";

const TOOLS = new URL("../../src/process/tools.ts", import.meta.url);

/** Prints the version of the ffmpeg that a process finds when it starts. */
const START = `
import { Toolbox } from ${JSON.stringify(TOOLS.href)};
const toolbox = new Toolbox({ ffmpeg: process.env.PROGRAM });
console.log((await toolbox.program()).version);
`;

describe("video-ffmpeg: the version of ffmpeg", () => {
  let folder: TestFolder;
  const path = (name: string) => join(folder.path, name);

  /** A program that calls itself ffmpeg of this version and counts how often it is run. */
  async function putProgram(version: string): Promise<void> {
    const lines = ["#!/bin/sh", `echo run >> ${path("runs")}`, `echo "ffmpeg version ${version} Copyright"`];
    await writeFile(path("ffmpeg"), lines.join("\n"));
    await chmod(path("ffmpeg"), 0o755);
  }

  /** The version that a new process reports, and how often the program was run so far. */
  async function start(env: Record<string, string>): Promise<[version: string, runs: number]> {
    const args = [...process.execArgv.filter((arg) => arg.includes("conditions")), "--input-type=module"];
    const { NODE_COMPILE_CACHE: _, ...inherited } = process.env;
    const { stdout } = await promisify(execFile)(process.execPath, [...args, "--eval", START], {
      env: { ...inherited, PROGRAM: path("ffmpeg"), ...env },
    });
    return [stdout.trim(), (await readFile(path("runs"), "utf8")).trim().split("\n").length];
  }

  beforeEach(async () => {
    folder = await makeFolder({});
    await putProgram("7.1");
  });
  afterEach(() => folder.close());

  it("is cached between starts until the program changes", async () => {
    const env = { NODE_COMPILE_CACHE: path("compiled") };
    assert.deepEqual(await start(env), ["7.1", 1]);
    assert.deepEqual(await start(env), ["7.1", 1]);
    await putProgram("8.0.1");
    assert.deepEqual(await start(env), ["8.0.1", 2]);
  });

  it("is read at each start if nothing is cached", async () => {
    assert.deepEqual(await start({}), ["7.1", 1]);
    assert.deepEqual(await start({}), ["7.1", 2]);
  });
});
