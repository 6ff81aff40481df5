import assert from "node:assert/strict";
import type { Answer } from "@mediatap/test";

/** Status and code, and that the answer is short and tells no secret. */
export function assertError(answer: Answer, status: number, code: string, secrets: readonly string[] = []) {
  const said = `${answer.status} ${answer.headers["ik-error"]} ${answer.text.slice(0, 200)}`;
  assert.equal(answer.status, status, said);
  assert.match(answer.headers["ik-error"] ?? "", new RegExp(`^${code} - .{3,200}$`), said);
  assert(answer.body.length <= 1024);
  assert.match(answer.headers["content-type"] ?? "", /^text\/plain/);
  assert.equal(answer.headers["x-content-type-options"], "nosniff");
  assert.equal(answer.headers.etag, undefined);
  const all = `${JSON.stringify(answer.headers)}\n${answer.text}`;
  for (const secret of [...secrets, "node_modules", "node:internal", "    at "])
    assert(!all.includes(secret), `leaks ${secret}: ${all}`);
}
