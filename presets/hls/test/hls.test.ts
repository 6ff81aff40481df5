import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type Hls, type HlsOptions, hls } from "@mediatap/hls";
import { ask, makeFolder, memoryStorage, type TestFolder } from "@mediatap/test";

describe("hls", () => {
  let folder: TestFolder;
  let videos: Hls;
  before(async () => {
    folder = await makeFolder({ "notes/a b.txt": "text" });
    videos = await hls({ path: "/clips", folder: folder.path, config: { log: { level: "silent" } } });
  });
  after(async () => {
    await videos.close();
    await folder.close();
  });

  async function serving(listener: RequestListener, use: (port: number) => Promise<void>): Promise<void> {
    const server = createServer(listener).listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      await use((server.address() as AddressInfo).port);
    } finally {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    }
  }

  it("writes the URLs of streams and posters", () => {
    assert.equal(videos.url("tour.mp4"), "/clips/tour.mp4/ik-master.m3u8?tr=sr-360_720_1080");
    assert.equal(
      videos.url("my film/a.mp4", { format: "dash", heights: [240, 480] }),
      "/clips/my%20film/a.mp4/ik-master.mpd?tr=sr-240_480",
    );
    assert.equal(videos.poster("tour.mp4"), "/clips/tour.mp4/ik-thumbnail.jpg?tr=so-0");
  });

  it("serves its folder in a plain HTTP server, which answers everything else by itself or with 404", async () => {
    await serving(videos.handler, async (port) => {
      const { status, text } = await ask(port, "/clips/notes/a%20b.txt");
      assert.deepEqual([status, text], [200, "text"]);
      const other = await ask(port, "/other");
      assert.deepEqual([other.status, other.text], [404, "Not Found\n"]);
      const post = await ask(port, "/clips/notes/a%20b.txt", { method: "POST" });
      assert.equal(post.status, 405);
    });
    await serving(
      (req, res) => videos.handler(req, res, () => void res.end("the app")),
      async (port) => assert.equal((await ask(port, "/other")).text, "the app"),
    );
  });

  it("has its routes and other endpoints nowhere in the app", async () => {
    await serving(videos.handler, async (port) => {
      for (const path of [
        "/-/live",
        "/-/ready",
        "/",
        "/clips",
        "/clips/../-/live",
        "//clips/notes/a%20b.txt",
      ]) {
        assert.notEqual((await ask(port, path)).status, 200, path);
      }
    });
  });

  it("serves another storage", async () => {
    const storage = memoryStorage(Buffer.from("from memory"));
    const other = await hls({ path: "/films", origin: { type: "MEMORY" }, plugins: [storage] });
    try {
      await serving(other.handler, async (port) =>
        assert.equal((await ask(port, "/films/a.txt")).text, "from memory"),
      );
    } finally {
      await other.close();
    }
  });

  it("refuses options that are wrong", async () => {
    const wrong: readonly (readonly [options: object, message: RegExp])[] = [
      [{ folder: "." }, /hls\.path/],
      [{ path: "videos", folder: "." }, /hls\.path: Expected a slash and one name/],
      [{ path: "/a/b", folder: "." }, /hls\.path: Expected a slash and one name/],
      [{ path: "/default", folder: "." }, /hls\.path: Expected a slash and one name/],
      [{ path: "/a" }, /Expected either folder or origin/],
      [
        { path: "/a", folder: ".", origin: { type: "FOLDER", path: "." } },
        /Expected either folder or origin/,
      ],
      [{ path: "/a", origin: { type: "S4" } }, /S4/],
      [{ path: "/a", folder: ".", paths: [] }, /paths/],
    ];
    for (const [options, message] of wrong) {
      await assert.rejects(hls(options as HlsOptions), { code: "ECONFIG", message });
    }
  });
});
