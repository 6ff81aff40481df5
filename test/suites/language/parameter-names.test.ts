import assert from "node:assert/strict";
import { join } from "node:path";
import type { Step } from "@mediatap/core";
import {
  describeWith,
  FFMPEG,
  jobLanguage,
  jobUrl,
  makeFolder,
  runFfmpeg,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { videoFfmpeg } from "@mediatap/video-ffmpeg";
import { photo } from "../support/photos.ts";
import { folderConfig } from "../support/plugins.ts";

describeWith(FFMPEG, "messages about values that only the source shows to be wrong", () => {
  let folder: TestFolder;
  let server: TestServer;

  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(120, 80) });
    await runFfmpeg(
      join(folder.path, "a.mp4"),
      ...["-f", "lavfi", "-i", "testsrc2=s=64x36:r=25:d=2"],
      ...["-c:v", "libx264", "-pix_fmt", "yuv420p", "-preset", "ultrafast"],
    );
    const { endpoints: _, ...config } = folderConfig(
      folder.path,
      { ...jobLanguage(), parameterNames: { "clip.end": "until" } },
      videoFfmpeg(),
    );
    server = await startServer({
      ...config,
      endpoints: {
        default: { origins: ["files"], languages: ["url-imagekit"] },
        other: { origins: ["files"], languages: ["test-language"] },
      },
    });
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  const textOf = async (url: string) => {
    const { status, text } = await server.ask(url);
    assert.equal(status, 400);
    return text.trim();
  };
  const other = (path: string, ...steps: Step[]) =>
    textOf(`/other${jobUrl(path, { steps, output: path.endsWith(".mp4") ? { video: {} } : {} })}`);

  it("name the parameters of ImageKit in its URLs", async () => {
    const texts = {
      "/a.mp4?tr=so-9": "Expected seconds from 0 to below 2 for so but received 9",
      "/a.mp4?tr=so-1,eo-9": "Expected seconds above 1 up to 2 for eo but received 9",
      "/a.mp4?tr=so-1,du-9": "Expected seconds above 0 up to 2 for du but received 9",
      "/photo.jpg?tr=w-idu": "Expected a variable known here but received idu",
    };
    for (const [url, text] of Object.entries(texts)) assert.equal(await textOf(url), text);
  });

  it("name those of another language in its URLs, and fields of steps if it has no names", async () => {
    assert.match(await other("a.mp4", { op: "clip", end: 9 }), / for until but received 9$/);
    assert.match(await other("a.mp4", { op: "clip", start: 9 }), / for clip\.start but received 9$/);
    const width = "originalDuration";
    assert.match(
      await other("photo.jpg", { op: "resize", width, fit: "inside", enlarge: true }),
      / received originalDuration$/,
    );
  });
});
