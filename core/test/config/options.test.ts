import assert from "node:assert/strict";
import { z } from "zod";
import { parseOptions } from "../../src/config/options.ts";
import { messageOf } from "./folder.ts";

const schema = z.strictObject({
  port: z.int().min(1).max(65535).optional(),
  ratio: z.number().positive().default(1),
  name: z.string().min(1).optional(),
  color: z
    .string()
    .regex(/^#\w{6}$/, "Expected a colour like #ffffff")
    .optional(),
  code: z.string().regex(/^x/).optional(),
  address: z.url().optional(),
  mode: z.enum(["on", "off"]).optional(),
  cors: z.union([z.string(), z.literal(false)]).optional(),
  list: z.array(z.string()).min(1).max(2).optional(),
  privateKey: z.string().min(8).optional(),
  chains: z
    .record(
      z.string().regex(/^\w+$/, "Expected letters"),
      z.union([z.string(), z.strictObject({ chain: z.string(), enabled: z.boolean().optional() })]),
    )
    .optional(),
  deep: z.strictObject({ er: z.array(z.strictObject({ than: z.number() })) }).optional(),
  waitSeconds: z.number().optional(),
});

const check = (value: unknown) => parseOptions(schema, value, "thing");

describe("parseOptions", () => {
  it("fills in defaults", () => {
    assert.deepEqual(check({ name: "a" }), { name: "a", ratio: 1 });
  });

  for (const [value, message] of [
    [{ port: "80" }, "thing.port: Expected number but received '80'"],
    [{ port: "5GB" }, "thing.port: Expected number but received '5GB': sizes are in bytes, write 5000000000"],
    [
      { ratio: "1.5 MiB" },
      "thing.ratio: Expected number but received '1.5 MiB': sizes are in bytes, write 1572864",
    ],
    [
      { ratio: "10s" },
      "thing.ratio: Expected number but received '10s': times are in milliseconds, write 10000",
    ],
    [
      { waitSeconds: "2m" },
      "thing.waitSeconds: Expected number but received '2m': times are in seconds, write 120",
    ],
    [{ ratio: "5 apples" }, "thing.ratio: Expected number but received '5 apples'"],
    [
      { deep: { er: [{ than: undefined }] } },
      "thing.deep.er.0.than: Expected number but it is undefined: is an environment variable not set?",
    ],
    [{ port: 1.5 }, "thing.port: Expected integer but received 1.5"],
    [{ port: 0 }, "thing.port: Expected number of at least 1 but received 0"],
    [{ port: 70000 }, "thing.port: Expected number of at most 65535 but received 70000"],
    [{ ratio: 0 }, "thing.ratio: Expected number of more than 0 but received 0"],
    [{ ratio: Number.NaN }, "thing.ratio: Expected number but received NaN"],
    [{ name: "" }, "thing.name: Expected text that is not empty but received ''"],
    [{ name: null }, "thing.name: Expected string but received null"],
    [{ name: ["a"] }, "thing.name: Expected string but received an array"],
    [{ name: {} }, "thing.name: Expected string but received an object"],
    [{ name: () => 1 }, "thing.name: Expected string but received a function"],
    [{ color: "red" }, "thing.color: Expected a colour like #ffffff but received 'red'"],
    [{ code: "y" }, "thing.code: Expected text that matches /^x/ but received 'y'"],
    [{ address: "nowhere" }, "thing.address: Expected URL but received 'nowhere'"],
    [{ mode: "maybe" }, "thing.mode: Expected one of on, off but received 'maybe'"],
    [{ cors: 5 }, "thing.cors: Expected string or false but received 5"],
    [{ list: [] }, "thing.list: Expected at least 1 entry but received an array"],
    [{ list: ["a", "b", "c"] }, "thing.list: Expected at most 2 entries but received an array"],
    [{ list: ["a", 2] }, "thing.list.1: Expected string but received 2"],
    [{ chains: { "a b": "w" } }, "thing.chains.a b: Expected letters but is named 'a b'"],
    [{ chains: { a: 5 } }, "thing.chains.a: Expected string or object but received 5"],
    [{ chains: { a: { chain: 5 } } }, "thing.chains.a.chain: Expected string but received 5"],
    [
      { chains: { a: { chain: "w", enabld: true } } },
      'thing.chains.a.enabld: unknown field, did you mean "enabled"?',
    ],
    [{ prt: 80 }, 'thing.prt: unknown field, did you mean "port"?'],
    [{ deep: { er: [{ tahn: 1, than: 1 }] } }, 'thing.deep.er.0.tahn: unknown field, did you mean "than"?'],
    [{ deep: { er: [{}] } }, "thing.deep.er.0.than: Expected number but it is missing"],
    [{ deep: {} }, "thing.deep.er: Expected array but it is missing"],
    [5, "thing: Expected object but received 5"],
    [undefined, "thing: Expected object but it is missing"],
  ] as const) {
    it(`says: ${message}`, async () => {
      assert.equal(await messageOf(() => check(value)), message);
    });
  }

  it("names what there is where nothing is close", async () => {
    const message = await messageOf(() => check({ completely: 1 }));
    assert.match(message, /^thing\.completely: unknown field; known are port, ratio, name, /);
  });

  it("names every problem, each on a line of its own", async () => {
    const message = await messageOf(() => check({ port: "80", mode: 1, nam: "x" }));
    assert.equal(message.split("\n").length, 3);
  });

  it("shows no secret", async () => {
    const messages = [
      await messageOf(() => check({ privateKey: "hunter2" })),
      await messageOf(() => check({ address: 1, mode: "https://me:hunter2@host/?sig=hunter2" })),
    ];
    for (const message of messages) assert.doesNotMatch(message, /hunter2/);
    assert.equal(messages[0], "thing.privateKey: Expected at least 8 characters but received ***");
  });
});
