import assert from "node:assert/strict";
import { formatLine } from "../../src/util/log-format.ts";

const line = (fields: object) =>
  formatLine(JSON.stringify({ level: 30, time: 0, pid: 1, hostname: "h", ...fields }), false);

describe("the log for people", () => {
  it("shows time, level, message and further fields on one line", () => {
    const text = line({ msg: "listens", port: 3000, plugin: "page-start" });
    assert.match(text, /^\d\d:\d\d:\d\d info {2}listens port=3000 plugin=page-start\n$/);
  });

  it("shows an error with its stack and its cause below", () => {
    const text = line({
      level: 50,
      msg: "failed",
      err: { message: "a", stack: "Error: a\n  at b" },
      cause: { message: "c" },
    });
    assert.match(text, /^\S+ error failed\n {4}Error: a\n {6}at b\n {4}c\n$/);
  });

  it("colours only where asked", () => {
    const json = JSON.stringify({ level: 40, time: 0, msg: "careful" });
    assert.equal(formatLine(json, false).includes("\u001b"), false);
    assert.equal(formatLine(json, true).includes("\u001b"), true);
  });
});
