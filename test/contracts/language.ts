import assert from "node:assert/strict";
import { type Endpoint, isMediaError, type MediatapConfig, type Plugin, STATUS } from "@mediatap/core";
import fc from "fast-check";
import { startServer, type TestServer } from "../helpers/server.ts";
import { echoEngine, memoryStorage, type Witness, witness } from "../helpers/stand-ins.ts";
import { after, before, describe, it } from "./runner.ts";

/** A URL language to be tried, with URLs of it: path and query, from the root of the host. */
export interface LanguageSetup {
  readonly plugin: Plugin;
  /** Plugins that it needs, for instance those that define its steps. */
  readonly beside?: readonly Plugin[];
  /** Groups of URLs that ask for the same: they share one cache entry. */
  readonly equal: readonly (readonly string[])[];
  /** URLs that ask for different things, each from each other. */
  readonly different: readonly string[];
  /**
   * URLs that are wrong although their asset is known: answered with a 4xx, after the access rules. The language returns a
   * job with a `problem` for them; one that throws would be heard before the access rules.
   */
  readonly wrong?: readonly string[];
  /** URLs that are wrong and name no asset: answered with a 4xx. */
  readonly unresolvable?: readonly string[];
  /** Those of `equal` and `different` whose steps all come from named transformations. */
  readonly named?: readonly string[];
  /**
   * Signs a URL (path and query, from the root of its endpoint) with one of the endpoint's `privateKeys`. Left out: the
   * language has no signatures, so that none of its URLs opens an endpoint that requires one.
   */
  readonly sign?: (url: string, key: string) => string;
  /** Further fields of the configuration, for instance `namedTransformations`. */
  readonly config?: Omit<MediatapConfig, "plugins" | "presets" | "origins" | "endpoints">;
}

const KEY = "private key of the contract";

/** One endpoint behind no prefix and others behind prefixes, over an origin that has every file. */
const ENDPOINTS: NonNullable<MediatapConfig["endpoints"]> = {
  default: { origins: ["files"] },
  shop: { origins: ["files"], quality: 60 },
  keyed: { origins: ["files"], privateKey: KEY },
  signed: { origins: ["files"], privateKey: KEY, restrictUnsigned: "all" },
  named: { origins: ["files"], restrictUnnamed: true },
  ignoring: { origins: ["files"], ignoreQuery: ["utm_source"] },
};

/**
 * What every URL language promises, as a suite for mocha or `node:test`:
 * `describeLanguage("my language", { plugin, equal, different })`.
 * The files and the engine are stand-ins, so that what is looked at is the request alone.
 */
export function describeLanguage(name: string, setup: LanguageSetup): void {
  const {
    plugin,
    beside = [],
    equal,
    different,
    wrong = [],
    unresolvable = [],
    named = [],
    sign,
    config = {},
  } = setup;
  const right = [...equal.flat(), ...different];

  describe(`${name} as a language`, () => {
    let server: TestServer;
    let seen: Witness;
    before(async () => {
      seen = witness();
      server = await startServer({
        ...config,
        plugins: [plugin, beside, memoryStorage(Buffer.from("a file")), echoEngine(), seen],
        origins: { files: { type: "MEMORY" } },
        endpoints: ENDPOINTS,
      });
    });
    after(() => server?.close());

    /** Asks for a URL; it has to be answered, and its exchange is what the server made of it. */
    async function ask(url: string, headers: Readonly<Record<string, string>> = {}) {
      const { status, text } = await server.ask(url, { headers });
      const [exchange] = seen.exchanges;
      assert(exchange, `${url} became an exchange`);
      return { status, text, exchange };
    }

    /** The key of a URL that is right. */
    async function keyOf(url: string): Promise<string> {
      const { status, text, exchange } = await ask(url);
      assert.equal(status, 200, `${url}: ${text}`);
      return exchange.key as string;
    }

    it("understands URLs of its own, and says so", async () => {
      for (const url of right) {
        await keyOf(url);
        const job = seen.exchanges[0]?.job;
        assert.equal(job?.language, plugin.name, url);
        assert.equal(job?.problem, undefined, url);
      }
    });

    it("names an asset without leading slash, empty, dot or control segments", async () => {
      for (const url of right) {
        await keyOf(url);
        const asset = seen.exchanges[0]?.job?.asset;
        assert(asset);
        assert.equal(asset.endpoint, "default", url);
        if (asset.kind === "url") continue;
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
        assert.doesNotMatch(asset.path, /^\/|\/\/|(?:^|\/)\.{1,2}(?:\/|$)|[\x00-\x1f\x7f]|^$/, url);
      }
    });

    it("gives equal requests equal keys", async () => {
      for (const group of equal) {
        const keys = new Set<string>();
        for (const url of group) keys.add(await keyOf(url));
        assert.equal(keys.size, 1, group.join(" = "));
      }
    });

    it("gives different requests different keys", async () => {
      const keys = new Map<string, string>();
      for (const url of different) {
        const key = await keyOf(url);
        assert.equal(keys.get(key), undefined, `${url} is not ${keys.get(key)}`);
        keys.set(key, url);
      }
    });

    it("knows the endpoint of a URL, and leaves its prefix out of the asset", async () => {
      for (const url of right) {
        await keyOf(url);
        const plain = seen.exchanges[0]?.job?.asset;
        await keyOf(`/shop${url}`);
        const { job, target } = seen.exchanges[0] ?? {};
        assert.deepEqual(job?.asset, { ...plain, endpoint: "shop" }, url);
        assert.equal(target?.mount, "shop/");
      }
    });

    it("opens no endpoint that requires a signature without one", async () => {
      for (const url of [...right, ...wrong]) {
        const { exchange } = await ask(`/signed${url}`);
        assert.equal(exchange.error?.code, "ESIGNATURE", url);
      }
      for (const url of unresolvable) {
        const { status } = await ask(`/signed${url}`);
        assert(status >= 400 && status < 500, `${url}: ${status}`);
      }
    });

    if (sign) {
      it("opens it with a signature by its key, and with no other", async () => {
        for (const url of right) {
          assert.equal((await ask(`/signed${sign(url, KEY)}`)).status, 200, url);
          for (const endpoint of ["signed", "keyed"]) {
            const { exchange } = await ask(`/${endpoint}${sign(url, `${KEY} no longer`)}`);
            assert.equal(exchange.error?.code, "ESIGNATURE", `${endpoint}${url}`);
          }
        }
      });

      it("leaves the signature out of the key", async () => {
        for (const url of right) {
          assert.equal(await keyOf(`/keyed${sign(url, KEY)}`), await keyOf(`/keyed${url}`), url);
        }
      });
    }

    it("opens an endpoint of named transformations to what it claims to be one, or none", async () => {
      for (const url of right) {
        const { status, exchange } = await ask(`/named${url}`);
        const { transformation } = exchange.claims;
        assert.equal(status, transformation === undefined ? 400 : 200, url);
        if (transformation === "none") assert.deepEqual(exchange.job?.transformation.steps, [], url);
        assert.equal(transformation === "named", named.includes(url), url);
      }
    });

    it("leaves query parameters that the endpoint ignores out of the key", async () => {
      for (const url of right) {
        const key = await keyOf(`/ignoring${url}`);
        const { status, exchange } = await ask(`/ignoring${url}${url.includes("?") ? "&" : "?"}utm_source=a`);
        if (status === 200) assert.equal(exchange.key, key, url);
      }
    });

    it("depends on nothing but what it declares", async () => {
      const strange = {
        referer: "https://a.example/",
        cookie: "a=b",
        "user-agent": "test",
        "accept-language": "de",
      };
      for (const url of right) {
        const key = await keyOf(url);
        assert.equal((await ask(url, strange)).exchange.key, key, url);
      }
    });

    it("finds its own URLs for a job, if any, and they ask for the same", async () => {
      for (const prefix of ["", "/shop"]) {
        for (const url of right) {
          const key = await keyOf(prefix + url);
          const [exchange] = seen.exchanges;
          assert(exchange?.job);
          const link = await server.server.runtime.hooks.link
            .for(plugin.name)
            .promise(exchange.job, exchange);
          if (link === undefined) continue;
          assert.match(link, /^\/[\x21-\x7e]*$/, "a path and query, ready to be sent");
          assert.equal(await keyOf(link), key, `${prefix}${url} → ${link}`);
        }
      }
    });

    const { urlBuilder } = plugin;
    if (urlBuilder) {
      it("has URLs for tools that compose them", async () => {
        const { parameters, width, build } = urlBuilder;
        const sized = width === undefined ? [] : [[width, "640"] as const];
        const all = parameters.flatMap(({ name, expected, choices = expected === "" ? [""] : [] }) =>
          choices.map((choice) => [...sized.filter(([key]) => key !== name), [name, choice] as const]),
        );
        for (const values of [sized, ...all]) {
          const url = `/${build("folder/a b.jpg", values)}`;
          const { status, exchange } = await ask(url);
          assert(status < 500, `${url}: ${status}`);
          assert.equal(exchange.job?.asset.path, "folder/a b.jpg", url);
          assert.equal(exchange.job.language, plugin.name, url);
        }
      });
    }

    if (wrong.length > 0) {
      it("returns a job with a problem for what is wrong, instead of throwing", async () => {
        for (const url of wrong) {
          const { exchange } = await ask(url);
          assert(exchange.job?.problem, `${url}: ${exchange.error?.message}`);
          assert.equal(exchange.error?.code, exchange.job.problem.code, url);
        }
      });
    }

    if (wrong.length + unresolvable.length > 0) {
      it("answers what is wrong with a 4xx and a reason", async () => {
        for (const url of [...wrong, ...unresolvable]) {
          const { status, text } = await ask(url);
          assert(status >= 400 && status < 500, `${url}: ${status}`);
          assert(text.trim().length > 0, url);
        }
      });
    }

    it("answers any path and query", { timeout: 120_000 }, async () => {
      const anything = fc.string({
        unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)),
      });
      await fc.assert(
        fc.asyncProperty(anything, (text) => isAnswered(`/${text}`)),
        { numRuns: 300 },
      );
    });

    it("answers its own URLs with anything put in, left out or doubled", { timeout: 120_000 }, async () => {
      const marks = [
        "%",
        "%00",
        "%2e%2e/",
        "%ff",
        ":",
        ",",
        "-",
        "_",
        "/",
        "//",
        "?",
        "&",
        "=",
        "@@",
        "..",
        "0",
        "9".repeat(400),
      ];
      const change = fc.tuple(fc.nat(), fc.nat(8), fc.oneof(fc.constantFrom(...marks), fc.constant("")));
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...right),
          fc.array(change, { minLength: 1, maxLength: 4 }),
          (url, changes) =>
            isAnswered(
              changes.reduce((text, [place, length, put]) => {
                const at = 1 + (place % text.length);
                return `${text.slice(0, at)}${put}${text.slice(at + length)}`;
              }, url),
            ),
        ),
        { numRuns: 500 },
      );
    });

    /** No text of a URL may end as a defect: the answer is right, or a 4xx with a code, and the language threw no other. */
    async function isAnswered(url: string): Promise<void> {
      const { status, exchange } = await ask(url);
      assert(status < 500, `${url}: ${status}`);
      if (!exchange.error) return;
      assert(isMediaError(exchange.error) && exchange.error.code in STATUS, url);
    }

    it("says the same of a URL each time", async () => {
      const endpoint = seen.exchanges.find(({ endpoint }) => endpoint.name === "default")
        ?.endpoint as Endpoint;
      const { resolve } = server.server.runtime.hooks;
      for (const url of right) {
        await keyOf(url);
        const [exchange] = seen.exchanges;
        assert(exchange);
        const answers = [
          await resolve.promise(exchange, endpoint),
          await resolve.promise(exchange, endpoint),
        ];
        assert.deepEqual(answers[0], answers[1], url);
      }
    });
  });
}
