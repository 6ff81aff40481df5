import assert from "node:assert/strict";
import { MediaError, type MediatapConfig } from "@mediatap/core";
import { presetDevelopment } from "@mediatap/preset-development";
import { presetImagekit } from "@mediatap/preset-imagekit";
import { startOrigin, startServer } from "@mediatap/test";
import { presetMediatap } from "../src/index.ts";

/** What a web origin is told, and what a client is, by a server of these presets. */
async function askedThrough(presets: MediatapConfig[], path = "/a.txt") {
  const origin = await startOrigin({ "a.txt": Buffer.from("a") });
  const server = await startServer({
    presets,
    origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
    endpoints: { default: { origins: ["site"] } },
  });
  const answer = await server.ask(path);
  await server.close();
  await origin.close();
  return { answer, request: origin.requests[0] };
}

describe("presets", () => {
  it("mediatap tells origins its own name, imagekit the service's", async () => {
    const usual = await askedThrough([presetMediatap()]);
    assert.equal(usual.answer.text, "a");
    assert.equal(usual.request?.headers["x-req-from"], "mediatap");
    const service = await askedThrough([presetMediatap(), presetImagekit()]);
    assert.equal(service.request?.headers["x-req-from"], "imagekit");
  });

  it("mediatap and imagekit hand the key on", async () => {
    for (const preset of [presetMediatap, presetImagekit]) {
      const presets = [presetMediatap(), preset({ privateKey: "key" })];
      assert.equal((await askedThrough(presets, "/a.txt?ik-s=0123")).answer.status, 401);
    }
    assert.equal(
      (await askedThrough([presetMediatap({ privateKey: "" })], "/a.txt?ik-s=0123")).answer.status,
      200,
    );
  });

  it("development shows its pages and lets nobody keep an answer unasked", async () => {
    const presets = [presetMediatap(), presetDevelopment()];
    const { answer } = await askedThrough(presets);
    assert.match(answer.headers["cache-control"] ?? "", /max-age=0, must-revalidate/);
    assert.match(answer.headers["server-timing"] ?? "", /total;dur=/);
    for (const page of ["/", "/-/console"]) {
      assert.match((await askedThrough(presets, page)).answer.headers["content-type"] ?? "", /^text\/html/);
    }
  });

  for (const [make, message] of [
    [
      () => presetImagekit({ privatKey: "x" } as never),
      'preset-imagekit.privatKey: unknown field, did you mean "privateKey"?',
    ],
    [
      () => presetDevelopment({ sample: [] } as never),
      'preset-development.sample: unknown field, did you mean "samples"?',
    ],
    [() => presetMediatap(5 as never), "preset-imagekit: Expected object but received 5"],
  ] as const) {
    it(`refuse options that are none: ${message}`, () => {
      assert.throws(make, new MediaError("ECONFIG", message));
    });
  }
});
