import assert from "node:assert/strict";
import { jobLanguage, memoryStorage, startServer, type TestServer } from "@mediatap/test";
import { z } from "zod";
import type { MediatapConfig } from "../../src/config/schema.ts";
import type { Plugin } from "../../src/plugin/plugin.ts";
import { mediatap } from "../cli/mediatap.ts";
import { folderWith, messageOf } from "./folder.ts";

declare module "@mediatap/core" {
  interface ConfigSections {
    greetings?: { prefix?: string };
  }
  interface EndpointFields {
    greeting?: string;
    loudness?: number;
  }
}

/** Greets in a header, as the configuration says. */
function greeter(more: Partial<Plugin> = {}): Plugin {
  const name = "greeter";
  return {
    name,
    version: "1.0.0",
    apiVersion: 1,
    sections: { greetings: z.strictObject({ prefix: z.string().default("") }).default({ prefix: "" }) },
    endpointFields: { greeting: z.string().default("hello"), loudness: z.int().min(0).max(9).optional() },
    apply({ hooks, config: { section } }) {
      const { prefix = "" } = section("greetings") ?? {};
      hooks.respond.tap(name, ({ headers }, { endpoint: { fields } }) => {
        headers["x-greeting"] = `${prefix}${fields.greeting}${"!".repeat(fields.loudness ?? 0)}`;
      });
    },
    ...more,
  };
}

const base = (plugin = greeter()): MediatapConfig => ({
  plugins: [jobLanguage(), memoryStorage(Buffer.from("bytes")), plugin],
  origins: { files: { type: "MEMORY" } },
});
const all = { default: { origins: ["files"] } };

describe("fields of the configuration that plugins add", () => {
  let server: TestServer | undefined;
  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  async function greetings(config: MediatapConfig, ...paths: string[]) {
    server = await startServer({ ...base(), ...config });
    const found: (string | undefined)[] = [];
    for (const path of paths) found.push((await server.ask(path)).headers["x-greeting"]);
    return found;
  }

  it("have their defaults", async () => {
    assert.deepEqual(await greetings({ endpoints: all }, "/a.txt"), ["hello"]);
  });

  it("are an endpoint's own, else its tenant's, else the server's", async () => {
    const config: MediatapConfig = {
      greetings: { prefix: "> " },
      greeting: "server",
      loudness: 1,
      endpoints: {
        ...all,
        shop: { origins: ["files"], greeting: "shop" },
        loud: { origins: ["files"], loudness: 0 },
      },
      tenants: {
        one: { origins: { files: { type: "MEMORY" } }, endpoints: all, greeting: "one" },
        two: {
          origins: { files: { type: "MEMORY" } },
          endpoints: { default: { origins: ["files"], greeting: "own", loudness: 3 } },
        },
      },
    };
    const paths = ["/a.txt", "/shop/a.txt", "/loud/a.txt", "/one/a.txt", "/two/a.txt"];
    assert.deepEqual(await greetings(config, ...paths), [
      "> server!",
      "> shop!",
      "> server",
      "> one!",
      "> own!!!",
    ]);
  });

  const required = greeter({ endpointFields: { greeting: z.string() } });
  const needy = greeter({ sections: { greetings: z.strictObject({ prefix: z.string() }) } });
  const other = (more: Partial<Plugin>) => ({
    ...greeter(),
    name: "other",
    sections: {},
    endpointFields: {},
    ...more,
  });
  for (const [config, message] of [
    [
      { endpoints: { default: { origins: ["files"], greeting: 5 } } },
      "test: endpoints.default.greeting: Expected string but received 5",
    ],
    [{ endpoints: all, loudness: 10 }, "test: loudness: Expected number of at most 9 but received 10"],
    [
      { endpoints: all, tenants: { one: { greeting: [] } } },
      "test: tenants.one.greeting: Expected string but received an array",
    ],
    [
      { endpoints: all, greetings: { prefx: "" } },
      `test: greetings.prefx: unknown field, did you mean "prefix"?`,
    ],
    [
      { endpoints: { default: { origins: ["files"], greetng: "" } } },
      `test: endpoints.default.greetng: unknown field, did you mean "greeting"?`,
    ],
    [
      { ...base(required), endpoints: all },
      "test: endpoints.default.greeting: Expected string but it is missing",
    ],
    [{ ...base(needy), endpoints: all }, "test: greetings: Expected object but it is missing"],
    [
      {
        plugins: [...(base().plugins ?? []), other({ sections: { greetings: z.string() } })],
        endpoints: all,
      },
      "test: plugins: other: the configuration's field 'greetings' belongs to greeter already: choose another name, or remove one of the plugins",
    ],
    [
      {
        plugins: [...(base().plugins ?? []), other({ endpointFields: { greetings: z.string() } })],
        endpoints: all,
      },
      "test: plugins: other: the configuration's field 'greetings' belongs to greeter already: choose another name, or remove one of the plugins",
    ],
    [
      { ...base(greeter({ endpointFields: { quality: z.number() } })), endpoints: all },
      "test: plugins: greeter: the configuration's field 'quality' belongs to the core already: choose another name, or remove one of the plugins",
    ],
    [
      { ...base(greeter({ sections: { greetings: "text" as never } })), endpoints: all },
      "test: plugins: greeter: Expected a Standard Schema for the configuration's field 'greetings'",
    ],
    [
      {
        plugins: [
          ...(base().plugins ?? []),
          other({ apply: ({ config: { section } }) => void section("greetings") }),
        ],
        endpoints: all,
      },
      `test: plugins: other: api.config.section("greetings"): the plugin's sections have no such field`,
    ],
  ] as unknown as [MediatapConfig, string][]) {
    it(`are checked: ${message}`, async () => {
      const refused = await messageOf(async () => {
        server = await startServer({ ...base(), ...config });
      });
      assert.equal(refused, message);
    });
  }

  it("take any Standard Schema", async () => {
    const even = {
      "~standard": {
        version: 1,
        vendor: "test",
        validate: (value: unknown) =>
          typeof value === "number" && value % 2 === 0
            ? { value: value / 2 }
            : { issues: [{ message: "Expected an even number" }] },
      },
    } as never;
    const plugin = greeter({ endpointFields: { greeting: z.string().default("hi"), loudness: even } });
    const config = { ...base(plugin), endpoints: { default: { origins: ["files"], loudness: 4 } } };
    assert.deepEqual(await greetings(config, "/a.txt"), ["hi!!"]);
    await server?.close();
    const odd = { ...config, endpoints: { default: { origins: ["files"], loudness: 3 } } };
    assert.equal(
      await messageOf(() => startServer(odd)),
      "test: endpoints.default.loudness: Expected an even number but received 3",
    );
  });

  it("are printed by mediatap config, with where they come from, secrets masked", async () => {
    const folder = await folderWith({
      "package.json": {},
      "mediatap.config.mjs": `
        const schema = { "~standard": { version: 1, vendor: "x", validate: (value) => ({ value }) } };
        export default {
          presets: ["@mediatap/preset-imagekit", { greeting: "from a preset" }],
          plugins: ["storage-fs", { name: "greeter", version: "1", apiVersion: 1, sections: { greetings: schema }, endpointFields: { greeting: schema }, apply() {} }],
          greetings: { prefix: "> ", apiKey: "very secret" },
          origins: { files: { type: "FOLDER", path: "." } },
          endpoints: { default: { origins: ["files"], greeting: "mine" } },
        };`,
    });
    try {
      const { out, code } = await mediatap(["config"], { cwd: folder.path });
      assert.equal(code, 0);
      for (const line of [
        "greetings.prefix: '> '",
        "greetings.apiKey: '***'",
        "greeting: 'from a preset'   # preset 2 of mediatap.config.mjs",
        "endpoints.default.greeting: 'mine'",
      ]) {
        assert(out.split("\n").includes(line), `${line}\n${out}`);
      }
    } finally {
      await folder.remove();
    }
  });
});
