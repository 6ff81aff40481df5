import assert from "node:assert/strict";
import { analytics } from "@mediatap/analytics";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { stateSqlite } from "@mediatap/state-sqlite";
import { storageWeb } from "@mediatap/storage-web";
import {
  echoEngine,
  jobLanguage,
  makeFolder,
  memoryStorage,
  startServer,
  type TestFolder,
  type TestServer,
} from "@mediatap/test";
import { warm } from "@mediatap/warm";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";

const KEY = "private_key_of_the_account";

type Schema = Readonly<Record<string, unknown>>;

interface Operation {
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, { schema: Schema }> }>>;
}

/** Values of fields whose schema cannot tell what exists. */
const KNOWN: Readonly<Record<string, readonly unknown[]>> = {
  origins: [["files"]],
  url: ["/a.jpg"],
  urls: [["/a.jpg"], ["/a.jpg", "/b.jpg"]],
  transformation: ["w-100"],
  changes: [[]],
  name: ["thumb", "shop_1", "other"],
  baseUrl: ["https://www.example.com/photos"],
  baseUrlForCanonicalHeader: ["https://www.example.com"],
};

/** Calls of each operation with different input. */
const CALLS = 16;

describe("the OpenAPI document", () => {
  let folder: TestFolder;
  let server: TestServer;
  let document: { readonly paths: Record<string, Record<string, Operation>> } & Schema;

  before(async () => {
    folder = await makeFolder();
    server = await startServer(
      {
        plugins: [
          ...[jobLanguage(), memoryStorage(Buffer.from("x")), echoEngine(), storageWeb()],
          ...[manageImagekit(), stateSqlite({ path: "state.sqlite" }), analytics(), warm()],
        ],
        origins: { files: { type: "MEMORY" } },
        endpoints: { default: { origins: ["files"] } },
        privateKey: KEY,
      },
      { base: folder.path },
    );
    for (const path of ["/a.jpg", "/a.jpg", "/missing"]) {
      await server.ask(path, { headers: { "user-agent": "curl/8.5.0", referer: "https://shop.example/" } });
    }
    document = (await call("GET", "/openapi.json")).body as unknown as typeof document;
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  async function call(method: string, path: string, body?: unknown) {
    const answer = await server.ask(`/-/api${path}`, {
      method,
      headers: { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: answer.text === "" ? undefined : JSON.parse(answer.text) };
  }

  it("is valid, and contains each call", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(document.openapi, "3.1.0");
    for (const path of ["/analytics", "/v1/warm/{id}", "/v1/accounts/usage-analytics"]) {
      assert.ok(!("2XX" in (document.paths[path]?.get?.responses ?? { "2XX": {} })), path);
    }
    for (const path of ["/v1/keys", "/v1/audit", "/v1/accounts/origins", "/v1/files/purge/{id}"]) {
      assert.ok(path in document.paths, path);
    }
    const ids = operations().map(({ operation }) => (operation as unknown as Schema).operationId);
    assert.equal(new Set(ids).size, ids.length);
  });

  it("needs a key", async () => {
    assert.equal((await server.ask("/-/api/openapi.json")).status, 401);
  });

  it("describes what calls take and return", async () => {
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema({ $id: "document", ...document });
    const isValid = (schema: Schema, value: unknown) => {
      const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
      assert.ok(ajv.validate(JSON.parse(text), value), `${ajv.errorsText()} of ${JSON.stringify(value)}`);
    };
    const ids = new Map<string, string[]>();
    const order = ["post", "get", "put", "patch", "delete"];
    const described = operations().filter(({ operation }) => !("2XX" in operation.responses));
    assert.ok(described.length >= 32, String(described.length));
    for (const { path, method, operation } of described.toSorted(
      (a, b) =>
        order.indexOf(a.method) - order.indexOf(b.method) ||
        Number(a.path.includes("{")) - Number(b.path.includes("{")),
    )) {
      const at = `${method} ${path}`;
      const [status = ""] = Object.keys(operation.responses);
      const schema = operation.requestBody?.content["application/json"]?.schema;
      const inputs = schema ? fc.sample(arbitrary(schema), { numRuns: CALLS, seed: 1 }) : [undefined];
      const collection = path.replace(/\/\{.*/, "");
      let successes = 0;
      for (const input of inputs) {
        const known = ids.get(collection) ?? [];
        const id = method === "delete" ? known.shift() : known[0];
        const reply = await call(
          method.toUpperCase(),
          path.replace("{id}", id ?? "none") + queryOf(operation),
          input,
        );
        const what = `${at} ${JSON.stringify(input)}: ${reply.status} ${JSON.stringify(reply.body)}`;
        if (String(reply.status) !== status) {
          assert.ok(reply.status >= 400 && reply.status < 500, what);
          isValid({ $ref: "#/components/schemas/Error" }, reply.body);
          continue;
        }
        successes++;
        const expected = operation.responses[status]?.content?.["application/json"]?.schema;
        if (expected) isValid(expected, reply.body);
        else assert.equal(reply.body, undefined, what);
        const made = reply.body?.id ?? reply.body?.requestId;
        if (method === "post" && path === collection && made !== undefined)
          ids.set(collection, [...known, made]);
      }
      assert.ok(successes > 0, `${at} never succeeds`);
    }
  });

  it("describes calls that refuse any other JSON with 4xx", async () => {
    const withBody = operations().filter(({ operation }) => operation.requestBody);
    for (const { path, method } of withBody) {
      for (const body of fc.sample(fc.jsonValue({ maxDepth: 2 }), { numRuns: 4, seed: 2 })) {
        const { status } = await call(method.toUpperCase(), path.replace("{id}", "none"), body);
        assert.ok(status >= 400 && status < 500, `${method} ${path} ${JSON.stringify(body)}: ${status}`);
      }
    }
  });

  function operations() {
    return Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
  }
});

/** Parameters with an example, and a limit. */
function queryOf({ parameters }: Operation): string {
  const query = parameters
    .filter(({ in: at }) => at === "query")
    .flatMap(({ name, schema }) => {
      const [example] = (schema.examples as string[] | undefined) ?? [];
      const value = name === "limit" ? "10" : example;
      return value === undefined ? [] : [[name, value] as [string, string]];
    });
  return query.length === 0 ? "" : `?${new URLSearchParams(query)}`;
}

/** Values that a JSON Schema allows, as far as these documents use it. */
function arbitrary(schema: Schema, name = ""): fc.Arbitrary<unknown> {
  const known = (schema.examples as unknown[] | undefined) ?? KNOWN[name];
  if (known) return fc.constantFrom(...known);
  if ("const" in schema) return fc.constant(schema.const);
  const choices = (schema.oneOf ?? schema.anyOf) as Schema[] | undefined;
  if (choices) return fc.oneof(...choices.map((choice) => arbitrary(choice, name)));
  if (schema.enum) return fc.constantFrom(...(schema.enum as unknown[]));
  const { minimum, maximum, minLength = 0, maxLength = 20, pattern } = schema as Record<string, never>;
  switch (schema.type) {
    case "boolean":
      return fc.boolean();
    case "integer":
    case "number":
      return fc.integer({ min: minimum ?? 0, max: Math.min(maximum ?? 100, 1000) });
    case "string":
      if (pattern) return fc.stringMatching(new RegExp(String(pattern).replace(/\(\?[!=][^)]*\)/g, ""), "u"));
      return fc.string({ minLength, maxLength: Math.min(maxLength, 20) });
    case "array":
      return fc.array(arbitrary(schema.items as Schema), { maxLength: 3 });
    case "object": {
      const fields = Object.entries((schema.properties ?? {}) as Record<string, Schema>);
      const required = (schema.required ?? []) as string[];
      const model = Object.fromEntries(fields.map(([name, field]) => [name, arbitrary(field, name)]));
      return fc.record(model, { requiredKeys: required as never[] });
    }
    default:
      return fc.jsonValue({ maxDepth: 1 });
  }
}
