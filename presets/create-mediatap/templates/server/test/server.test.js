import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, it } from "node:test";

/** The server of this project, on a free port. */
let server;
let address;

before(async () => {
  server = spawn("npx", ["mediatap", "serve", "--port", "0", "--host", "127.0.0.1"], { detached: true });
  let text = "";
  address = await new Promise((resolve, reject) => {
    server.on("exit", () => reject(new Error(text)));
    for (const output of [server.stdout, server.stderr]) {
      output.on("data", (part) => {
        text += part;
        const [, url] = /listens on (http:\/\/[\w.:]+)/.exec(text) ?? [];
        if (url) resolve(url);
      });
    }
  });
});

after(() => process.kill(-server.pid));

it("serves a picture in the size and format that the URL and the browser ask for", async () => {
  const response = await fetch(`${address}/tr:w-100/logo.png`, { headers: { accept: "image/webp" } });
  assert.equal(response.status, 200);
  assert.equal(response.headers.get("content-type"), "image/webp");
});

it("refuses a wrong URL with a clear message", async () => {
  const response = await fetch(`${address}/tr:w-abc/logo.png`);
  assert.equal(response.status, 400);
  assert.match(await response.text(), /for w but received 'abc'/);
});
