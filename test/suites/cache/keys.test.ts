import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import { echoEngine, memoryStorage, startServer, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import fc from "fast-check";

describe("cache keys", () => {
  let server: TestServer;
  before(async () => {
    const account = {
      origins: { files: { type: "MEMORY" }, more: { type: "MEMORY", root: "elsewhere" } },
      endpoints: {
        default: { origins: ["files"] },
        a: { origins: ["files"], quality: 60 },
        b: { origins: ["more"] },
        c: { origins: ["more", "files"], autoFormat: false },
      },
    };
    server = await startServer({
      plugins: [
        urlImagekit(),
        memoryStorage(Buffer.from("same bytes under every name")),
        echoEngine(),
        cacheMemory(),
      ],
      ...account,
      tenants: { t: account, a1: account },
      cacheStatusKey: true,
      autoAvif: true,
    });
  });
  after(() => server.close());

  // Few words that may be put together in many ways: what differs by the place of a border only is found, too.
  const word = fc.constantFrom("a", "b", "ab", "t", "1", "a1", "c.jpg", "a.jpg", "b%2c", "w-1", "%61");
  const parameter = fc.constantFrom(
    ...[
      "w-1",
      "w-10",
      "h-1",
      "h-10",
      "w-0.1",
      "q-1",
      "q-11",
      "f-png",
      "f-jpg",
      "f-auto",
      "rt-90",
      "bl-1",
      "fl-h",
    ],
    ...[
      "c-at_max",
      "cm-extract",
      "x-1",
      "t-true",
      "orig-true",
      "bg-FF0000",
      "bg-FF0",
      "dpr-2",
      "pr-true",
      "lo-true",
    ],
  );
  const chain = fc.array(fc.array(parameter, { minLength: 1, maxLength: 3 }), { maxLength: 2 });
  const query = fc.array(
    fc.tuple(fc.constantFrom("v", "v1", "a", "di"), fc.constantFrom("", "1", "11", "2", "a%26v=1")),
    {
      maxLength: 2,
    },
  );
  const accept = fc.constantFrom("image/avif,image/webp", "image/webp", "image/png", "*/*");
  const asked = fc.record({
    folders: fc.array(word, { maxLength: 3 }),
    name: fc.constantFrom("a.jpg", "1.jpg", "b.png", "w-1.jpg"),
    chain,
    inQuery: fc.boolean(),
    query,
    accept,
  });

  type Options = typeof asked extends fc.Arbitrary<infer T> ? T : never;

  const pathOf = ({ folders, name, chain, inQuery, query }: Options) => {
    const tr = chain.map((step) => step.join(",")).join(":");
    const rest = [...folders, name].join("/");
    const pairs = [...query.map(([key, value]) => `${key}=${value}`), ...(inQuery && tr ? [`tr=${tr}`] : [])];
    const path = tr && !inQuery ? `/tr:${tr}/${rest}` : `/${rest}`;
    return pairs.length > 0 ? `${path}?${pairs.join("&")}` : path;
  };

  it("are never shared by two requests whose answers may differ", async () => {
    // What was answered under a key, and the query that tells versions of a file apart.
    const known = new Map<string, string>();
    let answers = 0;
    const look = async (request: Options) => {
      const { headers, text, status } = await server.ask(pathOf(request), {
        headers: { accept: request.accept },
      });
      const key = /; key="([\w-]{43})"/.exec(headers["cache-status"] ?? "")?.[1];
      if (status !== 200) return;
      assert(key, headers["cache-status"]);
      answers++;
      // The language keeps `tr` and `di` for itself.
      const versions = JSON.stringify(request.query.filter(([name]) => name !== "di"));
      const negotiated = text.includes('"format":"auto"') ? /avif|webp|$/.exec(request.accept)?.[0] : "";
      const seen = JSON.stringify([text, headers["content-type"], versions, negotiated]);
      assert.equal(known.get(key) ?? seen, seen, pathOf(request));
      known.set(key, seen);
      assert.doesNotMatch(headers["cache-control"] ?? "", /no-store/);
    };
    await fc.assert(
      fc.asyncProperty(asked, asked, async (one, other) => {
        await look(one);
        await look(other);
        // The same but for one thing.
        await look({ ...one, accept: other.accept });
        await look({ ...one, folders: other.folders });
        await look({ ...one, query: other.query });
        await look({ ...one, chain: other.chain });
        await look({ ...one, inQuery: !one.inQuery });
      }),
      { numRuns: 150 },
    );
    assert(answers > 500 && known.size > 200, `${answers} answers, ${known.size} keys`);
  });

  it("are the same for all ways to write one request", async () => {
    const key = async (path: string) =>
      /; key="([\w-]{43})"/.exec((await server.ask(path)).headers["cache-status"] ?? "")?.[1];
    const first = await key("/tr:w-10,h-20/x/a.jpg");
    assert(first);
    for (const path of ["/x/a.jpg?tr=w-10,h-20", "/tr:h-20,w-10/x/a.jpg", "/tr:w-10,h-20/x/%61.jpg"])
      assert.equal(await key(path), first, path);
  });
});
