import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import {
  describeLanguage,
  echoEngine,
  memoryStorage,
  resetTime,
  setClock,
  startServer,
} from "@mediatap/test";
import fc from "fast-check";
import {
  decimal,
  defineLanguage,
  type Grammar,
  hexColour,
  ignored,
  integer,
  languagePlugin,
  number,
  oneOf,
  type Parameters,
  parameterTable,
  pathGrammar,
  printHexColour,
  printNumber,
  type Rule,
  refused,
  type SignatureScheme,
  unsupported,
} from "../../src/exports/language.ts";

interface Values {
  width: number;
  height: number;
  blur: number;
  turn: number;
  format: "webp" | "avif";
  download: true;
  sepia: never;
  tracking: true;
}

const PARAMETERS: Parameters<Values> = {
  width: { means: "width", values: "1–5000", also: ["w"], read: integer(1, 5000) },
  height: { means: "height", values: "1–5000", read: integer(1, 5000) },
  blur: {
    means: "blur",
    values: "0|1–100",
    read: (text, key) => {
      if (text === "motion") throw unsupported("motion blur", key, text);
      return number(0, 100)(text, key);
    },
    step: (sigma) => ({ op: "blur", sigma }),
    fromStep: (step) => (step.op === "blur" ? step.sigma : undefined),
  },
  turn: {
    means: "turns",
    values: "degrees",
    read: number(-360, 360),
    step: (angle) => ({ op: "rotate", angle }),
    fromStep: (step) => (step.op === "rotate" && !step.background ? step.angle : undefined),
  },
  format: {
    means: "format",
    values: "`webp`, `avif`",
    read: oneOf(new Map([["webp", "webp"] as const, ["avif", "avif"] as const])),
    output: (format) => ({ format }),
    fromOutput: ({ format }) => (format === "webp" || format === "avif" ? format : undefined),
  },
  download: {
    means: "offers a download",
    read: () => true,
    delivery: () => ({ attachment: true }),
    fromDelivery: ({ attachment }) => (attachment ? true : undefined),
  },
  sepia: refused("sepia tones"),
  tracking: ignored("statistics of the service"),
};

const resize: Rule<Values> = {
  uses: ["width", "height"],
  steps: ({ width, height }) =>
    width === undefined && height === undefined
      ? []
      : [{ op: "resize", ...(width && { width }), ...(height && { height }), fit: "inside", enlarge: false }],
  fromStep: (step) =>
    step.op === "resize" && step.fit === "inside" && !step.enlarge
      ? {
          ...(typeof step.width === "number" && { width: step.width }),
          ...(typeof step.height === "number" && { height: step.height }),
        }
      : undefined,
};

const one = pathGrammar({
  base: "p",
  between: /;/,
  assign: /:/,
  print: { between: ";", assign: ":" },
  none: "original",
});

/** Groups are separated by `!`. */
const GRAMMAR: Grammar = {
  ...one,
  tokenize: (text) => (text === "" ? [] : text.split("!").flatMap(one.tokenize)),
  print: (groups) => groups.map((group) => one.print([group])).join("!"),
  chains: true,
};

const without = (query: string, name: string) =>
  query
    .split("&")
    .filter((part) => !part.startsWith(`${name}=`))
    .join("&");

const fieldOf = (query: string, name: string) =>
  query
    .split("&")
    .find((part) => part.startsWith(`${name}=`))
    ?.slice(name.length + 1);

const joined = (...parts: readonly string[]) => parts.filter(Boolean).join("&");

const SIGNATURE: SignatureScheme = {
  find({ path, query }) {
    const signature = fieldOf(query, "sig");
    return signature === undefined ? undefined : { url: { path, query: without(query, "sig") }, signature };
  },
  sign: ({ path, query }, key) => createHmac("sha256", key).update(`${path}?${query}`).digest("hex"),
  put: ({ url: { path, query }, signature }) => ({ path, query: joined(query, `sig=${signature}`) }),
  expiryOf: ({ query }) => {
    const time = fieldOf(query, "until");
    return time === undefined ? undefined : Number(time);
  },
  withExpiry: ({ path, query }, expires) => ({
    path,
    query: joined(without(query, "until"), expires === undefined ? "" : `until=${expires}`),
  }),
};

const LANGUAGE = defineLanguage<Values>({
  name: "url-kit",
  version: "1.0.0",
  // The expiry is no cache buster.
  grammar: {
    ...GRAMMAR,
    locate: (url, endpoint) => GRAMMAR.locate({ ...url, query: without(url.query, "until") }, endpoint),
  },
  parameters: PARAMETERS,
  order: [resize, "turn", "blur"],
  signature: SIGNATURE,
});

function signed(url: string, key: string, expires?: number): string {
  const [path = "", query = ""] = url.slice(1).split("?");
  const lasting = SIGNATURE.withExpiry?.({ path, query }, expires) ?? { path, query };
  const whole = SIGNATURE.put({ url: lasting, signature: String(SIGNATURE.sign(lasting, key)) });
  return `/${whole.path}?${whole.query}`;
}

describeLanguage("a language made of a table", {
  plugin: languagePlugin(LANGUAGE),
  sign: signed,
  equal: [
    [
      "/p/width:30;blur:2/a.jpg",
      "/p/blur:2;width:30/a.jpg",
      "/p/w:30;blur:2;tracking:yes/%61.jpg",
      "/p/blur:9;blur:2;width:30/a.jpg",
    ],
    ["/p/original/b.jpg", "/p/blur:0/b.jpg", "/p/turn:360/b.jpg", "/p/tracking/b.jpg"],
    ["/p/width:30!blur:2/a.jpg", "/p/width:30;blur:2/a.jpg"],
  ],
  different: [
    "/p/original/a.jpg",
    "/p/original/a.jpg?v=1",
    "/p/width:30;blur:2/a.jpg",
    "/p/blur:2!width:30/a.jpg",
    "/p/turn:90;blur:2/a.jpg",
    "/p/blur:2!turn:90/a.jpg",
    "/p/format:webp;width:30!height:20!width:10/a.jpg",
  ],
  wrong: ["/p/width:0/a.jpg", "/p/sepia:40/a.jpg", "/p/blur:motion/a.jpg", "/p/;/a.jpg", "/p/:3/a.jpg"],
  unresolvable: ["/p/width:30/../a.jpg", "/p/width:30/", "/width:30/a.jpg"],
});

describe("a language made of a table", () => {
  const key = "private key of the kit";
  const start = (more: object = {}) =>
    startServer({
      plugins: [languagePlugin(LANGUAGE), memoryStorage(Buffer.from("a file")), echoEngine()],
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"], privateKey: key, ...more } },
    });

  it("names what is wrong, and what is not supported only if nothing is wrong", async () => {
    const server = await start();
    try {
      for (const [text, status, message] of [
        ["sepia:40", 403, "Not supported here: sepia tones (sepia: 40)"],
        ["blur:motion", 403, "Not supported here: motion blur (blur: motion)"],
        ["blur:motion;width:x", 400, "Expected integer from 1 to 5000 for width but received 'x'"],
        ["w:x", 400, "Expected integer from 1 to 5000 for w but received 'x'"],
        [
          "widht:3",
          400,
          "Expected a parameter of its language for the URL but received 'widht', did you mean \"width\"?",
        ],
        ["format:png", 400, "Expected one of webp, avif for format but received 'png'"],
      ] as const) {
        const answer = await server.ask(`/p/${text}/a.jpg`);
        assert.deepEqual([answer.status, answer.text.trim()], [status, message]);
      }
      const groups = Array.from({ length: 21 }, () => "blur:2").join("!");
      assert.match((await server.ask(`/p/${groups}/a.jpg`)).text, /^Expected at most 20 steps/);
    } finally {
      await server.close();
    }
  });

  it("keeps the expiry of a signed URL, and refuses it later", async () => {
    const server = await start({ restrictUnsigned: "all" });
    const expires = Math.floor(Date.now() / 1000) + 3600;
    try {
      const url = signed("/p/width:30/a.jpg", key, expires);
      assert.equal((await server.ask(url)).status, 200);
      assert.equal((await server.ask(url.replace(String(expires), String(expires + 1)))).status, 401);
      setClock((expires + 31) * 1000);
      const { status, text } = await server.ask(url);
      assert.equal(status, 401);
      assert.match(text, /expired/i);
    } finally {
      resetTime();
      await server.close();
    }
  });

  it("refuses tables in which a parameter would be dropped", () => {
    const base = { name: "url-kit", version: "1.0.0", grammar: GRAMMAR };
    const read = integer(1, 5);
    const step = () => ({ op: "grayscale" }) as const;
    for (const [parameters, order, message] of [
      [{ a: { means: "nothing", read } }, undefined, /^a stands for nothing/],
      [
        { a: { means: "a step", read, step }, b: { means: "a step", read, step } },
        ["a"],
        /^b has a step, but is not/,
      ],
      [
        { a: { means: "a step", read, step, also: ["b"] }, b: { means: "a step", read, step } },
        undefined,
        /one name/,
      ],
    ] as const) {
      assert.throws(
        () =>
          defineLanguage<{ a: number; b: number }>({
            ...base,
            parameters: parameters as never,
            ...(order && { order }),
          }),
        { name: "TypeError", message },
      );
    }
  });

  it("describes its parameters to tools, and composes URLs", () => {
    const { urlBuilder } = languagePlugin(LANGUAGE);
    assert(urlBuilder);
    const { parameters, width, build } = urlBuilder;
    assert.equal(width, "width");
    assert.deepEqual(
      parameters.map(({ name, group, title, expected }) => [name, group, title, expected]),
      [
        ["width", "Size and crop", "Width", "1–5000"],
        ["height", "Size and crop", "Height", "1–5000"],
        ["blur", "Effects", "Blur", "0|1–100"],
        ["turn", "Effects", "Turns", "degrees"],
        ["format", "Output", "Format", "webp, avif"],
        ["download", "Other", "Offers a download", ""],
      ],
    );
    assert.deepEqual(
      parameters.flatMap(({ choices }) => choices ?? []),
      ["webp", "avif"],
    );
    const values = [
      ["width", "30"],
      ["download", ""],
    ] as const;
    assert.equal(build("a b/c.jpg", values), "p/width:30;download/a%20b/c.jpg");
    assert.equal(build("a.jpg", []), "p/original/a.jpg");
    assert.throws(() => build("../a.jpg", []), { code: "EINVAL" });
  });

  it("prints its table", () => {
    const rows = parameterTable(PARAMETERS).split("\n");
    assert.equal(rows.length, 10);
    assert.equal(new Set(rows.map((row) => row.length)).size, 1);
    assert.match(rows[2] ?? "", /^\| `width`, `w` +\| 1–5000 +\| width +\|$/);
    assert.match(rows[4] ?? "", /\| 0\\\|1–100 /);
    assert.match(rows[8] ?? "", /\| refused: sepia tones +\|$/);
    assert.match(rows[9] ?? "", /\| no effect: statistics of the service +\|$/);
  });
});

describe("readers of values", () => {
  it("read numbers as they are printed", () => {
    const numbers = fc.oneof(fc.integer(), fc.double({ min: 1e-20, max: 1e6, noNaN: true }));
    fc.assert(
      fc.property(numbers, fc.constantFrom(1, -1), (size, sign) => {
        const value = sign * size;
        const read = decimal(printNumber(value)) ?? Number.NaN;
        assert.ok(Math.abs(read - value) <= Math.abs(value) * 1e-9, `${value}: ${read}`);
      }),
    );
  });

  it("read no number of another kind", () => {
    for (const text of [
      "",
      "-",
      ".",
      "1.",
      "01",
      "+1",
      "1e3",
      "0x10",
      " 1",
      "1 ",
      "٣",
      "Infinity",
      "NaN",
      "9".repeat(65),
    ]) {
      assert.equal(decimal(text), undefined, text);
    }
  });

  it("read colours as they are printed", () => {
    const byte = fc.nat(255);
    fc.assert(
      fc.property(byte, byte, byte, byte, (r, g, b, alpha) => {
        const colour = { r, g, b, alpha: alpha / 255 };
        assert.deepEqual(hexColour(printHexColour(colour)), colour);
      }),
    );
    assert.deepEqual(hexColour("f0A"), { r: 255, g: 0, b: 170, alpha: 1 });
    for (const text of ["", "f", "ff", "fffff", "ggg", "#fff"])
      assert.equal(hexColour(text), undefined, text);
  });
});
