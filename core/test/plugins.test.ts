import assert from "node:assert/strict";
import { mock } from "node:test";
import { jobLanguage, MEMORY_ENDPOINT, memoryStorage, startServer, type TestServer } from "@mediatap/test";
import type { MediatapConfig } from "../src/config/schema.ts";
import { API_VERSION, type Plugin, type PluginApi } from "../src/plugin/plugin.ts";
import { mediatap } from "./cli/mediatap.ts";
import { folderWith, messageOf } from "./config/folder.ts";

const plugin = (name: string, apply: (api: PluginApi) => unknown): Plugin => ({
  name,
  version: "1.0.0",
  apiVersion: API_VERSION,
  apply: apply as Plugin["apply"],
});

const any = {
  "~standard": { version: 1, vendor: "test", validate: (value: unknown) => ({ value }) },
} as never;
const define = (op: string) => (api: PluginApi) => api.steps.define(op as never, { schema: any });
const route =
  (path: string, method = "GET") =>
  ({ route }: PluginApi) =>
    route(method as "GET", path, () => ({}));
const originals = ({ cache }: PluginApi) =>
  cache({
    originals: true,
    tier: "storage",
    open() {
      throw new Error("never opened");
    },
  });
const manage =
  (path: string) =>
  ({ manage }: PluginApi) =>
    manage("GET", path, () => ({ body: {} }));

function serverWith(plugins: readonly Plugin[], more: Partial<MediatapConfig> = {}): Promise<TestServer> {
  return startServer({
    plugins: [jobLanguage(), memoryStorage(Buffer.from("bytes")), ...plugins],
    ...MEMORY_ENDPOINT,
    ...more,
  });
}

/** Of a server that must not start. */
const refusal = (...plugins: Plugin[]) =>
  messageOf(async () => {
    const server = await serverWith(plugins);
    await server.close();
  });

describe("a plugin that is wrong", () => {
  /** Hooks as code without types sees them. */
  const loose = (api: PluginApi) =>
    api.hooks as unknown as Record<string, Record<string, (...args: unknown[]) => void>>;

  for (const [apply, message] of [
    [
      (api) => loose(api).transfrom?.tap?.("p", () => {}),
      /: p: there is no hooks\.transfrom, did you mean "transform"\?$/,
    ],
    [
      (api) => loose(api).fetch?.tapAsync?.("p", () => {}),
      /: p: there is no hooks\.fetch\.tapAsync; known are tap, tapPromise$/,
    ],
    [
      (api) => loose(api).storage?.tap?.("p", () => {}),
      /: p: there is no hooks\.storage\.tap; known are for$/,
    ],
    [(api) => loose(api).respond?.tap?.("p"), /: p: hooks\.respond\.tap: Expected a name, then a function$/],
    [
      (api) => loose(api).respond?.tap?.({ name: "p", stage: "early" }, () => {}),
      /: p: hooks\.respond: Expected a number, such as one of Stage, as the stage of a tap$/,
    ],
    [
      ({ hooks }) => hooks.storage.for("X").tap("p", (async () => undefined) as never),
      /: p: hooks\.storage\.for\("X"\)\.tap: Expected a function that returns at once but it is async: use hooks\.storage\.for\("X"\)\.tapPromise$/,
    ],
    [
      ({ hooks }) => hooks.report.tap("p", async () => {}),
      /: p: hooks\.report\.tap: .* it is async: this hook does not wait$/,
    ],
    [
      ({ hooks }) => hooks.report.tapPromise("p", async () => {}),
      /: p: hooks\.report does not wait for its taps: use tap$/,
    ],
    [
      async () => {
        throw new Error("nobody sees this");
      },
      /: p: apply returned a promise, and nothing waits for it: apply is synchronous, what takes time belongs into hooks\.start\.tapPromise$/,
    ],
    [
      () => {
        throw new Error("no licence");
      },
      /: p: apply failed: no licence$/,
    ],
    [
      ({ origins }) => origins.storage("files"),
      /: p: api\.origins\.storage\("files"\) was called too early: call it in a tap of start, or later$/,
    ],
    [({ state }) => state(), /: p: api\.state was called too early: call it in a tap of start, or later$/],
    [
      define("resize"),
      /: p: the step 'resize' is one of the core's already: choose another name, or remove one of the plugins$/,
    ],
    [
      ({ steps }) => steps.define("x" as never, {} as never),
      /: p: Expected a Standard Schema as the schema of the step 'x'$/,
    ],
    [
      route("/-/ready"),
      /: p: the route GET \/-\/ready is registered by the core already: choose another path, or remove one of the plugins$/,
    ],
    [route("/-/READY"), /: p: the route GET \/-\/READY is registered by the core already as \/-\/ready: /],
    [route("/-/:page"), /: p: the route GET \/-\/:page is registered by the core already as \/-\/live: /],
    [
      route("/-/api/v1/mine"),
      /: p: the route \/-\/api\/v1\/mine lies below the management's path: use api\.manage$/,
    ],
    [route("/hello"), /: p: Expected a route below \/-\/ but received '\/hello'$/],
    [route("/-/a*"), /: p: Expected a route below \/-\/ but received '\/-\/a\*'$/],
    [
      route("/-/a", "HEAD"),
      /: p: Expected one of GET, POST, PUT, PATCH, DELETE for a route but received 'HEAD'$/,
    ],
    [
      (api) => {
        route("/-/a")(api);
        route("/-/a")(api);
      },
      /: p: the route GET \/-\/a is registered by itself already: /,
    ],
    [
      manage("/v1/purges/:name"),
      /: p: the management call GET \/v1\/purges\/:name is registered by the core already as /,
    ],
  ] as [(api: PluginApi) => unknown, RegExp][]) {
    it(`is refused with its name and a remedy: ${message.source.replaceAll("\\", "")}`, async () => {
      const text = await refusal(plugin("p", apply));
      assert.match(text, message);
      assert.match(text, /^test: plugins: p: /);
    });
  }

  for (const [what, one, other, message] of [
    [
      "step",
      define("duotone"),
      define("duotone"),
      "the step 'duotone' is defined by first already: choose another name, or remove one of the plugins",
    ],
    [
      "route",
      route("/-/hello"),
      route("/-/hello"),
      "the route GET /-/hello is registered by first already: choose another path, or remove one of the plugins",
    ],
    ["cache of originals", originals, originals, "first stores originals already: remove one of the plugins"],
    [
      "start page",
      route("/"),
      route("/"),
      "the route GET / is registered by first already: choose another path, or remove one of the plugins",
    ],
    [
      "route with parameters",
      route("/-/x/:id"),
      route("/-/x/new"),
      "the route GET /-/x/new is registered by first already as /-/x/:id: choose another path, or remove one of the plugins",
    ],
    [
      "management call",
      manage("/v1/things"),
      manage("/v1/things"),
      "the management call GET /v1/things is registered by first already: choose another path, or remove one of the plugins",
    ],
  ] as const) {
    it(`is refused if it has the ${what} of another one`, async () => {
      assert.equal(
        await refusal(plugin("first", one), plugin("second", other)),
        `test: plugins: second: ${message}`,
      );
    });
  }

  it("is refused if it reports usage as another one does", async () => {
    const reporting = (name: string): Plugin => ({
      ...plugin(name, () => {}),
      usage: () => Promise.reject(new Error("never called")),
    });
    assert.equal(
      await refusal(reporting("first"), reporting("second")),
      "test: plugins: second: first reports usage, too: remove one of the plugins",
    );
  });

  it("is refused if it registers anything after apply", async () => {
    for (const [call, late] of [
      ["route", route("/-/late")],
      ["manage", manage("/late")],
      ["steps.define", define("late")],
      ["fingerprint", ({ fingerprint }: PluginApi) => fingerprint("late")],
      ["command", ({ command }: PluginApi) => command(() => {})],
    ] as const) {
      const text = await refusal(plugin("p", (api) => api.hooks.start.tap("p", () => late(api))));
      assert.equal(
        text,
        `test: plugins: p: api.${call} was called after apply had returned: call it in apply`,
      );
    }
  });

  it("names an origin that is not configured", async () => {
    const text = await refusal(
      plugin("p", (api) => api.hooks.start.tap("p", () => void api.origins.storage("flies"))),
    );
    assert.equal(text, `test: plugins: p: unknown origin 'flies', did you mean "files"?`);
  });

  it("names hook, plugin and cause when its tap of start or storage fails", async () => {
    const failing = (error: unknown) => () => {
      throw error;
    };
    for (const [error, why] of [
      [new Error("no disk"), "no disk"],
      [
        new Error("no connection", { cause: new Error("ECONNREFUSED 10.0.0.1:6379") }),
        "no connection: ECONNREFUSED 10.0.0.1:6379",
      ],
      ["only a string", "only a string"],
    ] as const) {
      const start = plugin("p", ({ hooks }) => hooks.start.tap("p", failing(error)));
      assert.equal(await refusal(start), `test: plugins: p failed in the hook start: ${why}`);
      const storage = plugin("p", ({ hooks }) => hooks.storage.for("P").tap("p", failing(error)));
      const message = await messageOf(() =>
        serverWith([storage], { origins: { files: { type: "MEMORY" }, mine: { type: "P" } } }),
      );
      assert.equal(message, `test: origins.mine: p failed in the hook storage:P: ${why}`);
    }
  });

  it("is named when its tap of start or storage never settles", async () => {
    for (const [what, apply] of [
      [
        "plugins: p failed in the hook start",
        (never) =>
          ({ hooks }) =>
            hooks.start.tapPromise("p", never),
      ],
      [
        "origins.mine: p failed in the hook storage:P",
        (never) =>
          ({ hooks }) =>
            hooks.storage.for("P").tapPromise("p", never),
      ],
    ] as readonly [string, (never: () => Promise<never>) => (api: PluginApi) => void][]) {
      const { promise: called, resolve } = Promise.withResolvers<void>();
      const never = () => {
        mock.timers.enable({ apis: ["setTimeout"] });
        // The timer is set once this has returned.
        setImmediate(resolve);
        return new Promise<never>(() => {});
      };
      try {
        const message = messageOf(async () => {
          const own = { origins: { files: { type: "MEMORY" }, mine: { type: "P" } } };
          const server = await serverWith([plugin("p", apply(never))], what.startsWith("origins") ? own : {});
          await server.close();
        });
        await called;
        mock.timers.tick(30_000);
        assert.equal(await message, `test: ${what}: it took longer than 30 s`);
      } finally {
        mock.timers.reset();
      }
    }
  });

  it("may register routes that do not clash, and specific ones before general ones", async () => {
    const server = await serverWith([
      plugin("first", ({ route }) => {
        route("GET", "/-/x/new", () => ({ body: "new" }));
        route("GET", "/-/x/:id", ({ params }) => ({ body: `${params.id}` }));
      }),
      plugin("second", ({ route }) => route("POST", "/-/x/:id", () => ({ body: "posted" }))),
    ]);
    try {
      assert.equal((await server.ask("/-/x/new")).text, "new");
      assert.equal((await server.ask("/-/x/7")).text, "7");
      assert.equal((await server.ask("/-/x/7", { method: "POST" })).text, "posted");
    } finally {
      await server.close();
    }
  });

  it("can look whether a hook exists", async () => {
    const found: boolean[] = [];
    const server = await serverWith([
      plugin("p", ({ hooks }) => found.push("fetch" in hooks, "future" in hooks)),
    ]);
    await server.close();
    assert.deepEqual(found, [true, false]);
  });
});

describe("mediatap with a plugin that fails", () => {
  let folder: Awaited<ReturnType<typeof folderWith>>;
  before(async () => {
    const config = (apply: string, origin: string) => `
      const broken = { name: "broken", version: "1.0.0", apiVersion: 1, apply({ hooks }) { ${apply} } };
      export default {
        presets: ["@mediatap/preset-imagekit"],
        plugins: ["@mediatap/storage-fs", broken],
        origins: { files: { type: "${origin}", path: "." } },
        endpoints: { default: { origins: ["files"] } },
      };`;
    folder = await folderWith({
      "package.json": {},
      "start.mjs": config(`hooks.start.tap("broken", function connect() { undefined.socket; });`, "FOLDER"),
      "storage.mjs": config(
        `hooks.storage.for("OWN").tap("broken", function open() { undefined.socket; });`,
        "OWN",
      ),
      "system.mjs": config(
        `hooks.start.tap("broken", () => { throw Object.assign(new Error("connect refused"), { code: "ECONNREFUSED" }); });`,
        "FOLDER",
      ),
    });
  });
  after(() => folder.remove());

  const serve = (file: string) => mediatap(["serve", "--config", file], { cwd: folder.path });
  const TYPE_ERROR = "Cannot read properties of undefined (reading 'socket')";

  it("prints hook, plugin and cause, and where in the plugin's code it was", async () => {
    for (const [file, line, at] of [
      [
        "start.mjs",
        `mediatap: start.mjs: plugins: broken failed in the hook start: ${TYPE_ERROR}`,
        "connect",
      ],
      [
        "storage.mjs",
        `mediatap: storage.mjs: origins.files: broken failed in the hook storage:OWN: ${TYPE_ERROR}`,
        "open",
      ],
    ] as const) {
      const { code, err } = await serve(file);
      assert.equal(code, 1);
      assert.equal(err.split("\n")[0], line);
      assert.match(err, new RegExp(`\\n {4}at ${at} \\(.*${file}:\\d+:\\d+\\)`));
    }
  });

  it("prints no stack of an error of the system", async () => {
    const { code, err } = await serve("system.mjs");
    assert.deepEqual(
      { code, err },
      { code: 1, err: "mediatap: system.mjs: plugins: broken failed in the hook start: connect refused\n" },
    );
  });
});
