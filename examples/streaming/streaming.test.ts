import assert from "node:assert/strict";
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Hls } from "@mediatap/hls";
import { ask } from "@mediatap/test";

interface Example {
  readonly videos: Hls;
  readonly server: Server;
}

for (const framework of ["express", "koa", "hono", "fastify"] as const) {
  describe(`example: streams in an app of ${framework}`, () => {
    const { PORT } = process.env;
    let app: Example;
    let port: number;
    before(async () => {
      process.env.PORT = "0";
      app = (await import(`./${framework}.ts`)) as Example;
      if (!app.server.listening) await once(app.server, "listening");
      port = (app.server.address() as AddressInfo).port;
    });
    after(async () => {
      if (PORT === undefined) delete process.env.PORT;
      else process.env.PORT = PORT;
      app.server.closeAllConnections();
      await new Promise((closed) => app.server.close(closed));
      await app.videos.close();
    });

    it("play: the playlist leads to segments", async () => {
      const page = await ask(port, "/");
      const [, master = ""] = /src="([^"]+)"/.exec(page.text) ?? [];
      assert.equal(master, "/videos/tour.mp4/ik-master.m3u8?tr=sr-360_720_1080");
      const { status, headers, text } = await ask(port, master);
      assert.equal(status, 200, text);
      assert.equal(headers["content-type"], "application/vnd.apple.mpegurl");
      const url = text.split("\n").find((line) => /360\.m3u8/.test(line) && !line.startsWith("#")) ?? "";
      assert.match(url, /^\/videos\//);
      const media = await ask(port, url);
      assert.equal(media.status, 200, media.text);
      const segments = media.text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
      assert.ok(segments.length > 0, media.text);
      const segment = await ask(port, segments[0] ?? "");
      assert.equal(segment.status, 200);
      assert.ok(segment.body.length > 1000);
    });

    it("have posters, conditions, HEAD and errors of their own", async () => {
      const poster = await ask(port, app.videos.poster("tour.mp4", { seconds: 1, width: 80 }));
      assert.deepEqual([poster.status, poster.headers["content-type"]], [200, "image/jpeg"]);
      const again = { headers: { "if-none-match": poster.headers.etag ?? "" } };
      assert.equal(
        (await ask(port, app.videos.poster("tour.mp4", { seconds: 1, width: 80 }), again)).status,
        304,
      );
      const dash = await ask(port, app.videos.url("tour.mp4", { format: "dash", heights: [240] }));
      assert.deepEqual([dash.status, dash.headers["content-type"]], [200, "application/dash+xml"]);
      const head = await ask(port, app.videos.url("tour.mp4"), { method: "HEAD" });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      assert.equal((await ask(port, app.videos.url("none.mp4"))).status, 404);
      assert.match(
        (await ask(port, "/videos/tour.mp4/ik-master.m3u8?tr=sr-7")).text,
        /^Expected some of 240/,
      );
    });

    it("leave every other path to the app", async () => {
      for (const path of ["/videos", "/videos2/tour.mp4", "/-/live", "/start"]) {
        const { headers } = await ask(port, path);
        assert.equal(headers["cache-status"] ?? headers["ik-error"], undefined, path);
      }
    });
  });
}
