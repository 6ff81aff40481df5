import assert from "node:assert/strict";
import { createServer } from "node:net";
import { runInProcess } from "@mediatap/test";
import { folderWith } from "../config/folder.ts";
import { mediatap } from "./mediatap.ts";

describe("mediatap", () => {
  let folder: Awaited<ReturnType<typeof folderWith>>;
  before(async () => {
    folder = await folderWith({ "photos/a.txt": "a", "empty/package.json": {} });
  });
  after(() => folder.remove());

  const run = (...args: string[]) => mediatap(args, { cwd: folder.path });

  it("shows its help and its version", async () => {
    const help = await run("--help");
    assert.equal(help.code, 0);
    for (const word of ["serve", "config", "explain", "Examples:"]) assert(help.out.includes(word), word);
    assert.equal((await run("serve", "--help")).code, 0);
    const version = await run("--version");
    assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
  });

  it("lists the commands of the configuration's plugins, too", async () => {
    const config = {
      plugins: ["@mediatap/url-imagekit", "@mediatap/storage-fs", "@mediatap/cache-memory", "@mediatap/warm"],
      origins: { files: { type: "FOLDER", path: "." } },
      endpoints: { default: { origins: ["files"] } },
    };
    await folder.write("warm/mediatap.config.json", config);
    await folder.write("wrong/mediatap.config.json", { ...config, plugins: ["nothing"] });
    const [long, short, without] = await Promise.all([
      mediatap(["--help"], { cwd: `${folder.path}/warm` }),
      mediatap(["help"], { cwd: `${folder.path}/warm` }),
      mediatap(["--help"], { cwd: `${folder.path}/wrong` }),
    ]);
    assert.deepEqual([long.code, short.code, without.code], [0, 0, 0]);
    for (const { out } of [long, short]) assert.match(out, /^ {2}warm /m);
    assert.match(without.out, /^ {2}purge /m);
  });

  for (const [args, message] of [
    [["serve", "--prot", "80"], /unknown option '--prot'\n\(Did you mean --port\?\)/],
    [["serv", "./photos"], /unknown command 'serv'\n\(Did you mean serve\?\)/],
    [["serve", "--port", "web"], /Expected a number from 0 to 65535/],
    [["serve", "--port", "70000"], /Expected a number from 0 to 65535/],
    [["serve", "./photos", "./more"], /too many arguments/],
    [["explain"], /missing required argument 'url'/],
    [["explain", "/a", "-H", "oops"], /Expected "name: value"/],
    [["nothing"], /unknown command 'nothing'/],
  ] as const) {
    it(`ends with 2 for wrong usage: ${args.join(" ")}`, async () => {
      const { code, err, out } = await runInProcess(args, folder.path);
      assert.match(err, message);
      assert.equal(code, 2);
      assert.equal(out, "");
    });
  }

  for (const [args, message] of [
    [["serve", "./nowhere"], "mediatap: ./nowhere: no such folder\n"],
    [["serve", "photos/a.txt"], "mediatap: photos/a.txt: Expected a folder but it is a file\n"],
    [
      ["serve", "photos", "--config", "x.json"],
      "mediatap: Expected one of a folder, --origin and --config but received more\n",
    ],
    [["config", "--config", "x.json"], "mediatap: x.json: no such file\n"],
  ] as const) {
    it(`ends with 1 and one line: ${args.join(" ")}`, async () => {
      const { code, out, err } = await runInProcess(args, folder.path);
      assert.deepEqual({ code, out, err }, { code: 1, out: "", err: message });
    });
  }

  it("prints how to begin if there is no configuration", async () => {
    const { code, err } = await mediatap(["serve"], { cwd: `${folder.path}/empty` });
    assert.equal(code, 1);
    assert.match(
      err,
      /^mediatap: no configuration found; name a folder \(mediatap serve \.\/photos, .* --folder .*\) or write /,
    );
  });

  it("reports that a port is in use, and ends", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => taken.once("listening", resolve));
    const { port } = taken.address() as { port: number };
    const { code, err } = await run("serve", "photos", "--host", "127.0.0.1", "--port", String(port));
    taken.close();
    assert.deepEqual(
      { code, err },
      { code: 1, err: `mediatap: port ${port} is in use; --port chooses another\n` },
    );
  });

  it("reports that an address is not this machine's", async () => {
    const { code, err } = await run("serve", "photos", "--port", "0", "--host", "192.0.2.1");
    assert.deepEqual(
      { code, err },
      { code: 1, err: "mediatap: this machine has no address 192.0.2.1; --host chooses another\n" },
    );
  });

  it("refuses a PORT that is none", async () => {
    const { code, err } = await mediatap(["serve", "photos"], { cwd: folder.path, env: { PORT: "80a" } });
    assert.deepEqual(
      { code, err },
      { code: 1, err: "mediatap: PORT: Expected a number from 0 to 65535 but received '80a'\n" },
    );
  });
});
