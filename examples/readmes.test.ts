import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, globSync, readFileSync } from "node:fs";
import { cp, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { ask } from "@mediatap/test";

const root = join(import.meta.dirname, "..");

/** Needs Docker, a cluster, or packages that the tests have elsewhere. */
const NOT_RUN = /^(?:docker|kubectl|npm install)\b/;

/** What commands end with where the hosts of the README are not there to be asked. */
const CODES: Readonly<Record<string, number>> = { "npx mediatap explain /tr:w-400/photo.jpg": 1 };

/** The commands of a README's shell blocks, without comments; each with those that set up the shell before it. */
function commandsOf(readme: string): { setup: string[]; line: string }[] {
  return [...readme.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = ""]) => {
    const lines = block
      .replaceAll("\\\n", " ")
      .split("\n")
      .map((line) => line.replace(/\s+# .*$/, "").trim())
      .filter((line) => line !== "" && !line.startsWith("#"));
    const isSetup = (line: string) => /^(?:cd|export) /.test(line);
    return lines.flatMap((line, at) =>
      isSetup(line) ? [] : [{ setup: lines.slice(0, at).filter(isSetup), line }],
    );
  });
}

/** The examples as their READMEs say: each command is run as it is written, but for the port. */
describe("the README of each example", function () {
  this.timeout(300_000);
  let home: string;
  const running: ChildProcess[] = [];
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "mediatap-test-home-"));
    for (const folder of ["Pictures", "acme/media", "beta/media"]) {
      await cp(join(root, "examples/start/media/logo.png"), join(home, folder, "a.png"));
      await cp(join(root, "examples/start/media/dogs.jpg"), join(home, folder, "dogs.jpg"));
    }
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map(end));
  });
  after(() => rm(home, { recursive: true, force: true }));

  const begin = ({ setup, line }: { setup: string[]; line: string }) => {
    const child = spawn("sh", ["-c", [...setup, line].join("\n")], {
      cwd: root,
      env: { ...process.env, HOME: home, PORT: "0", HOST: "127.0.0.1" },
      stdio: ["ignore", "pipe", "pipe"],
      // npx starts others: they end together.
      detached: true,
    });
    let all = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        all += text;
      });
    }
    return { child, text: () => all };
  };

  /** Runs a command to its end. */
  async function run(command: { setup: string[]; line: string }): Promise<string> {
    const { child, text } = begin(command);
    const [code] = (await once(child, "close")) as [number];
    assert.equal(code, CODES[command.line] ?? 0, `${command.line}\n${text()}`);
    return text();
  }

  /** Starts a server; resolves with its port. */
  async function serve(command: { setup: string[]; line: string }): Promise<number> {
    const { child, text } = begin({ ...command, line: command.line.replace(/--port \d+/, "--port 0") });
    running.push(child);
    const ended = once(child, "close").then(() => assert.fail(`${command.line}\n${text()}`));
    ended.catch(() => {});
    for (;;) {
      const port = /listens on http:\/\/[^:]+:(\d+)/.exec(text())?.[1];
      if (port !== undefined) return Number(port);
      await Promise.race([once(child.stdout, "data"), ended]);
    }
  }

  for (const file of globSync("examples/*/README.md", { cwd: root }).sort()) {
    const example = basename(dirname(file));
    const readme = readFileSync(join(root, file), "utf8");
    const commands = commandsOf(readme).filter(({ line }) => !NOT_RUN.test(line) && !line.includes("docker"));
    if (commands.some(({ line }) => line.includes("mediatap serve"))) {
      it(`works as it is written: ${example}`, async () => {
        const borrowed = await borrow(example);
        try {
          let port: number | undefined;
          for (const command of commands) {
            if (command.line.includes("mediatap serve")) {
              await Promise.all(running.splice(0).map(end));
              port = await serve(command);
              await check(readme, port);
            } else {
              await run({ ...command, line: command.line.replaceAll("localhost:3000", `127.0.0.1:${port}`) });
            }
          }
        } finally {
          await borrowed();
        }
      });
    }
  }

  /** The URLs of the text, all of which are this server's. */
  async function check(readme: string, port: number): Promise<void> {
    for (const [, path = ""] of readme.matchAll(/http:\/\/localhost:3000([^\s`#]*)/g)) {
      const { status, text } = await ask(port, path.replace(/[.,]$/, "") || "/");
      assert.equal(status, 200, `${path}: ${text.slice(0, 200)}`);
    }
  }

  /** What the commands that are not run would install; resolves with what removes it, and what other commands made. */
  async function borrow(example: string): Promise<() => Promise<void>> {
    const folder = join(import.meta.dirname, example);
    const modules = join(folder, "node_modules");
    const isBorrowed = example === "player" && !existsSync(modules);
    if (isBorrowed) await symlink(join(root, "test/services/node_modules"), modules);
    return async () => {
      if (isBorrowed) await rm(modules);
      await rm(join(folder, "photos.db"), { force: true });
    };
  }
});

/** Ends a server and the programs that started it. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.pid === undefined) return;
  const closed = once(child, "close");
  process.kill(-child.pid, "SIGTERM");
  await closed;
}
