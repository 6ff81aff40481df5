import assert from "node:assert/strict";
import { join } from "node:path";
import { MediaError, type MediatapConfig, type Plugin } from "@mediatap/core";
import {
  describeWith,
  FFMPEG,
  makeFolder,
  runFfmpeg,
  startServer,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { folderConfig, type Gate, gate, usual } from "../support/plugins.ts";
import { signed } from "../support/signed.ts";

const KEY = "private_test_key";

/** An encoder that fails for assets below `broken/`. */
function failing(error: () => MediaError): Plugin & { readonly runs: () => number } {
  let runs = 0;
  return {
    name: "failing",
    version: "1",
    apiVersion: 1,
    runs: () => runs,
    apply({ hooks }) {
      hooks.transform.tap({ name: "failing", stage: -100 }, ({ asset, transformation }) => {
        if (!asset.path.startsWith("broken/") || !transformation.output.video) return undefined;
        const run = () => {
          runs++;
          return Promise.reject(error());
        };
        return { engine: "failing", lane: "video", cost: 10, memory: 0, explain: () => ({}), run };
      });
    },
  };
}

describe("videos that clients ask for until they are there", () => {
  let folder: TestFolder;
  let server: TestServer;
  let work: Gate;

  before(async () => {
    folder = await makeFolder({
      "gate/a.mp4": Buffer.from("source"),
      "gate/b.gif": Buffer.from("GIF89a"),
      "broken/a.mp4": Buffer.from("source"),
    });
  });
  after(() => folder.close());
  beforeEach(() => {
    work = gate();
  });
  afterEach(async () => {
    work.open();
    await server.close();
  });

  const brief = { interval: 10, tries: 2 };
  const start = async (videoPolling: MediatapConfig["videoPolling"], more: MediatapConfig = {}) => {
    server = await startServer({
      ...folderConfig(folder.path, work),
      ...(videoPolling !== undefined && { videoPolling }),
      ...more,
    });
  };

  it("are redirected to the original while they are made, then delivered with ranges", async () => {
    await start(brief);
    const first = await server.ask("/gate/a.mp4?tr=w-100&v=2");
    assert.equal(first.status, 302);
    assert.equal(first.headers.location, "/gate/a.mp4?v=2&tr=orig-true");
    assert.equal(first.headers["cache-control"], "no-store");
    assert.equal(first.headers["x-mediatap-provenance"], "placeholder");
    assert.equal(first.headers["cache-status"], "mediatap; fwd=miss");
    assert.equal(first.headers.etag, undefined);
    assert.equal(first.body.length, 0);
    const polled = await server.ask("/gate/a.mp4?tr=w-100&v=2", { method: "HEAD" });
    assert.equal(polled.status, 302);
    assert.equal(polled.headers.location, first.headers.location);
    await work.begun(1);
    assert.deepEqual([...work.running], ["gate/a.mp4 v=2"], "it is made once, and goes on");
    work.open();
    const whole = () => server.ask("/gate/a.mp4?tr=w-100&v=2", { method: "HEAD" });
    await until(async () => (await whole()).status === 200, "it is there");
    const head = await whole();
    assert.equal(head.status, 200);
    assert.match(head.headers["cache-status"] ?? "", /hit/);
    assert.deepEqual(work.aborted, []);
    const part = await server.ask("/gate/a.mp4?tr=w-100&v=2", { headers: { range: "bytes=0-3" } });
    assert.equal(part.status, 206);
    assert.equal(part.text, "made");
  });

  it("are delivered to who is held until they are there", async () => {
    await start(true);
    const held = server.ask("/gate/a.mp4?tr=w-100");
    await work.begun(1);
    work.open();
    assert.equal((await held).status, 200);
    assert.equal((await held).text, "made of gate/a.mp4");
    assert.equal((await held).headers["x-mediatap-provenance"], undefined);
  });

  it("go on when their clients leave", async () => {
    await start(true);
    const client = new AbortController();
    const left = server.ask("/gate/a.mp4?tr=w-100", { signal: client.signal });
    await work.begun(1);
    client.abort();
    await assert.rejects(left);
    work.open();
    await until(async () => {
      const answer = await server.ask("/gate/a.mp4?tr=w-100");
      return /hit/.test(answer.headers["cache-status"] ?? "");
    }, "it is kept");
    assert.deepEqual(work.aborted, []);
  });

  it("lead to the original by a URL that is signed as theirs", async () => {
    await start(brief, { privateKey: KEY, restrictUnsigned: "all" });
    const expiry = Math.floor(Date.now() / 1000) + 600;
    for (const time of [undefined, expiry]) {
      const { status, headers } = await server.ask(signed("/gate/a.mp4?tr=w-100", KEY, time));
      assert.equal(status, 302);
      assert.equal(headers.location, signed("/gate/a.mp4?tr=orig-true", KEY, time));
    }
  });

  it("of animations lead to these", async () => {
    await start(brief);
    const { status, headers } = await server.ask("/gate/b.gif/ik-gif-video.mp4?tr=w-100");
    assert.equal(status, 302);
    assert.equal(headers.location, "/gate/b.gif/ik-video.mp4?tr=orig-true");
  });

  it("lie behind the endpoint's prefix, and only where it says so", async () => {
    await start(false, {
      endpoints: {
        default: { origins: ["files"] },
        shop: { origins: ["files"], videoPolling: { interval: 20, tries: 1 } },
      },
    });
    const polled = await server.ask("/shop/gate/a.mp4?tr=w-100");
    assert.equal(polled.headers.location, "/shop/gate/a.mp4?tr=orig-true");
    const waiting = server.ask("/gate/a.mp4?tr=w-100");
    await work.begun(2);
    work.open();
    assert.equal((await waiting).status, 200);
  });

  it("that fail answer with the original, again and again, and are not tried again at once", async () => {
    const encoder = failing(() => new MediaError("UNIDENTIFIED", "It is damaged", { status: 400 }));
    await start(true, folderConfig(folder.path, work, encoder));
    for (const method of ["GET", "HEAD", "GET"]) {
      const { status, headers } = await server.ask("/broken/a.mp4?tr=w-100", { method });
      assert.equal(status, 302);
      assert.equal(headers.location, "/broken/a.mp4?tr=orig-true");
    }
    assert.equal(encoder.runs(), 1);
    assert.equal((await server.ask("/broken/a.mp4?tr=orig-true")).text, "source");
  });

  it("that cannot be are told so", async () => {
    const encoder = failing(() => new MediaError("EINVAL", "so: Expected a time within the video"));
    await start(true, folderConfig(folder.path, work, encoder));
    assert.equal((await server.ask("/broken/a.mp4?tr=so-9")).status, 400);
    assert.equal((await server.ask("/gate/none.mp4?tr=w-100")).status, 404);
    assert.equal((await server.ask("/gate/a.mp4?tr=zz-1")).status, 400);
  });

  it("are waited for where no cache would keep them", async () => {
    const plugins = usual(work).filter((plugin) => (plugin as Plugin).name !== "cache-memory");
    await start(brief, { plugins });
    const waiting = server.ask("/gate/a.mp4?tr=w-100");
    await work.begun(1);
    work.open();
    assert.equal((await waiting).status, 200);
  });

  it("are configured with times", async () => {
    await assert.rejects(start({ interval: 0, tries: 3 }), /videoPolling/);
    await start(false);
  });
});

describeWith(FFMPEG, "videos and streams of ffmpeg that are asked for until they are there", () => {
  let folder: TestFolder;
  let server: TestServer;

  before(async () => {
    folder = await makeFolder();
    await runFfmpeg(
      join(folder.path, "a.mp4"),
      ...["-f", "lavfi", "-i", "testsrc2=s=640x360:r=25:d=12"],
      ...["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast"],
    );
    server = await startServer({
      ...folderConfig(folder.path, videoFfmpeg()),
      videoPolling: { interval: 5, tries: 1 },
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  it("are redirected to the original until they are whole, then have ranges and a tag", async () => {
    const path = "/a.mp4?tr=w-480";
    const first = await server.ask(path);
    assert.equal(first.status, 302);
    const original = await server.ask(first.headers.location ?? "");
    assert.equal(original.status, 200);
    assert.equal(original.headers["content-type"], "video/mp4");
    const polled = await until(async () => {
      const answer = await server.ask(path, { method: "HEAD" });
      return answer.status !== 302 && answer;
    }, "it is whole");
    assert.equal(polled.status, 200);
    assert.equal(polled.headers["accept-ranges"], "bytes");
    assert.ok(Number(polled.headers["content-length"]) > 1000);
    assert.ok(polled.headers.etag);
    // Caches may still be storing it.
    const part = await until(async () => {
      const answer = await server.ask(path, { headers: { range: "bytes=4-7" } });
      return answer.status !== 302 && answer;
    }, "it is stored");
    assert.equal(part.status, 206);
    assert.equal(part.text, "ftyp");
  });

  for (const [name, begin] of [
    ["ik-master.m3u8", "#EXTM3U"],
    ["ik-master.mpd", "<?xml"],
  ] as const) {
    it(`${name} is accepted first, then there`, async () => {
      const first = await server.ask(`/a.mp4/${name}?tr=sr-240_360`);
      assert.equal(first.status, 202);
      assert.equal(first.body.length, 0);
      assert.equal(first.headers["cache-control"], "no-store");
      assert.equal(first.headers.location, undefined);
      const second = await server.ask(`/a.mp4/${name}?tr=sr-240_360`);
      assert.equal(second.status, 200);
      assert.ok(second.text.startsWith(begin));
    });
  }

  it("a playlist of nothing is told so at once", async () => {
    assert.equal((await server.ask("/none.mp4/ik-master.m3u8?tr=sr-240")).status, 404);
    assert.equal((await server.ask("/a.mp4/ik-master.m3u8")).status, 400);
  });
});
