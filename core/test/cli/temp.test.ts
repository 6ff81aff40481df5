import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ask,
  describeWith,
  FFMPEG,
  makeFolder,
  makePng,
  runFfmpeg,
  type TestFolder,
  until,
} from "@mediatap/test";
import { mediatap, type Serving, serving } from "./mediatap.ts";

const IMAGE = "/photo.png?tr=w-10";
const TEXT = "/photo.png?tr=l-text,i-Hello,l-end";
const STILL = "/clip.mp4/ik-thumbnail.jpg";
const VIDEO = "/clip.mp4?tr=w-64";
const BUSY = "503 5 no-store";

describeWith(FFMPEG, "a server's folder for temporary files", () => {
  let folder: TestFolder;
  const servers: Serving[] = [];

  before(async () => {
    folder = await makeFolder({ "files/photo.png": makePng(60, 40, () => [200, 100, 50, 255]) });
    const source = ["-f", "lavfi", "-i", "testsrc2=s=320x180:r=25:d=4"];
    await runFfmpeg(join(folder.path, "files/clip.mp4"), ...source, "-c:v", "libx264", "-pix_fmt", "yuv420p");
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) {
      server.kill("SIGKILL");
      await server.ended;
    }
  });
  after(() => folder.close());

  const files = () => join(folder.path, "files");
  const place = (name: string) => join(folder.path, name);
  async function start(temp: string) {
    const server = await serving([files()], { env: { TMPDIR: temp } });
    servers.push(server);
    return server;
  }
  async function outcome({ port }: Serving, url: string) {
    const { status, headers } = await ask(port, url);
    return status === 200 ? "200" : `${status} ${headers["retry-after"]} ${headers["cache-control"]}`;
  }
  const warnings = ({ lines }: Serving) =>
    lines.filter(({ level }) => level === 40).map(({ msg, err }) => `${msg}: ${(err as Error).message}`);

  it("may be missing at start, or removed: pictures are served, the rest is busy until it is there", async () => {
    const temp = place("missing");
    const server = await start(temp);
    const [texts, videos] = warnings(server);
    assert.match(texts ?? "", /^texts on images are refused .* ENOENT/);
    assert.match(videos ?? "", /^videos are refused .* ENOENT/);
    assert.equal(await outcome(server, IMAGE), "200");
    for (const url of [TEXT, STILL, VIDEO]) assert.equal(await outcome(server, url), BUSY, url);
    assert.match(warnings(server).at(-1) ?? "", /no space for temporary files.*ENOENT/);

    await mkdir(temp);
    for (const url of [TEXT, STILL, VIDEO]) assert.equal(await outcome(server, url), "200", url);
    const [name = ""] = (await readdir(temp)).filter((name) => name.startsWith("mediatap-ffmpeg-"));
    await rm(join(temp, name), { recursive: true });
    assert.equal(await outcome(server, `${VIDEO},h-64`), "200");
  });

  it("is removed by the next server where its own was killed, and by no other", async () => {
    const temp = place("shared");
    await mkdir(temp);
    const folders = async () => (await readdir(temp)).filter((name) => name.startsWith("mediatap-")).sort();
    const killed = await start(temp);
    const left = await folders();
    assert.deepEqual(
      left.map((name) => name.split("-")[1]),
      ["ffmpeg", "fonts"],
    );
    const alive = await start(temp);
    killed.kill("SIGKILL");
    await killed.ended;
    const all = await folders();
    assert.equal(all.length, 4);
    await start(temp);
    await until(() => left.every((name) => !existsSync(join(temp, name))), "what was left is removed");
    const others = all.filter((name) => !left.includes(name));
    assert(others.every((name) => existsSync(join(temp, name))));
    assert.equal(await outcome(alive, TEXT), "200");
  });

  it("may be full: what needs room is busy, and nothing breaks off", async function () {
    const temp = place("full");
    await mkdir(temp);
    try {
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=256k", "tmpfs", temp], { stdio: "pipe" });
    } catch {
      // Not allowed here.
      this.skip();
    }
    try {
      await writeFile(join(temp, "other"), Buffer.alloc(128 * 1024));
      const server = await start(temp);
      assert.equal(await outcome(server, IMAGE), "200");
      const urls = [1, 2, 3, 4].map((at) => `/clip.mp4?tr=w-${300 + 2 * at},h-170,q-100`);
      // A body that breaks off rejects.
      for (const one of await Promise.all(urls.map((url) => outcome(server, url)))) assert.equal(one, BUSY);
      assert.match(warnings(server).at(-1) ?? "", /no space for temporary files/);
      const { code, out } = await mediatap(["doctor", files()], { env: { TMPDIR: temp } });
      assert.equal(code, 0);
      assert.match(out, /^poor +temporary files .* 0\.0 GB free/m);
      // Whatever is left is filled: a font has no room either.
      const full = writeFile(join(temp, "rest"), Buffer.alloc(256 * 1024));
      await assert.rejects(full, { code: "ENOSPC" });
      assert.equal(await outcome(server, TEXT), BUSY);
    } finally {
      for (const server of servers) server.kill("SIGKILL");
      await Promise.all(servers.map((one) => one.ended));
      execFileSync("umount", [temp]);
    }
  });

  it("is missing, reports the doctor", async () => {
    const { code, out } = await mediatap(["doctor", files()], { env: { TMPDIR: place("nowhere") } });
    assert.equal(code, 1);
    assert.match(out, /^BAD +temporary files +no videos and no texts on images: ENOENT.*\n.*set TMPDIR/m);
  });
});
