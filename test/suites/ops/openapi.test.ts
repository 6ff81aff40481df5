import assert from "node:assert/strict";
import { analytics } from "@mediatap/analytics";
import { cacheMemory } from "@mediatap/cache-memory";
import { MediaError, type Plugin } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { info } from "@mediatap/info";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { stateSqlite } from "@mediatap/state-sqlite";
import { storageFs } from "@mediatap/storage-fs";
import { storageWeb } from "@mediatap/storage-web";
import { makeFolder, startServer, type TestFolder, type TestServer, until } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { warm } from "@mediatap/warm";
import { webhooks } from "@mediatap/webhooks";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import sharp from "sharp";

const KEY = "private_key_of_the_account";

type Schema = Readonly<Record<string, unknown>>;

interface Operation {
  readonly summary: string;
  readonly parameters: readonly { readonly name: string; readonly in: string; readonly schema: Schema }[];
  readonly requestBody?: {
    readonly content: Readonly<
      Partial<Record<"application/json" | "multipart/form-data", { readonly schema: Schema }>>
    >;
  };
  readonly responses: Readonly<Record<string, { readonly content?: Record<string, { schema: Schema }> }>>;
}

const idOf = (path: string) => Buffer.from(JSON.stringify(["files", path])).toString("base64url");

/** Values of fields whose schema cannot tell what exists. */
const KNOWN: Readonly<Record<string, readonly unknown[]>> = {
  origins: [["files"]],
  fileIds: [[idOf("dogs.jpg")], [idOf("dogs.jpg"), idOf("missing.jpg")]],
  urls: [["/dogs.jpg"], ["/dogs.jpg", "/missing.jpg"]],
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
  let picture: Buffer;
  let document: { readonly paths: Record<string, Record<string, Operation>> } & Schema;

  before(async () => {
    folder = await makeFolder();
    server = await startServer(
      {
        plugins: [
          ...[urlImagekit(), storageFs(), storageWeb(), imageSharp(), info(), brokenVideos(), cacheMemory()],
          ...[manageImagekit(), stateSqlite({ path: "state.sqlite" }), analytics(), warm()],
          // Its address is refused.
          webhooks({ url: "http://127.0.0.1:9", secret: "c2VjcmV0LW9mLXRlc3Rz", retries: 0 }),
        ],
        origins: { files: { type: "FOLDER", path: "files" } },
        endpoints: { default: { origins: ["files"], manageFiles: true } },
        privateKey: KEY,
        management: { changesPerMinute: 10_000 },
      },
      { base: folder.path },
    );
    picture = await sharp({ create: { width: 8, height: 6, channels: 3, background: "red" } })
      .jpeg()
      .toBuffer();
    await folder.write("files/clip.mp4", "video");
    await writeFiles();
    for (const path of ["/dogs.jpg", "/dogs.jpg", "/missing", "/tr:w-100/clip.mp4"]) {
      await server.ask(path, { headers: { "user-agent": "curl/8.5.0", referer: "https://shop.example/" } });
    }
    document = (await call("GET", "/openapi.json")).body as unknown as typeof document;
  });
  after(async () => {
    await server?.close();
    await folder?.close();
  });

  /** What the examples of the document are about. */
  async function writeFiles() {
    for (const path of ["dogs.jpg", "animals/dogs.jpg"]) await folder.write(`files/${path}`, picture);
  }

  async function call(method: string, path: string, body?: unknown) {
    const form = body instanceof FormData ? new Response(body) : undefined;
    const text = form ? await form.text() : body === undefined ? undefined : JSON.stringify(body);
    const answer = await server.ask(`/-/api${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}`,
        ...(form && { "content-type": form.headers.get("content-type") as string }),
        // Node sends none with the body of DELETE.
        ...(text !== undefined && { "content-length": String(Buffer.byteLength(text)) }),
      },
      ...(text !== undefined && { body: text }),
    });
    return { status: answer.status, body: answer.text === "" ? undefined : JSON.parse(answer.text) };
  }

  it("is valid, and contains each call", async () => {
    const { valid, errors } = await new Validator().validate(structuredClone(document));
    assert.ok(valid, JSON.stringify(errors));
    assert.equal(document.openapi, "3.1.0");
    for (const { path, method, operation } of operations()) {
      assert.ok(!("2XX" in operation.responses), `${method} ${path} has no description`);
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
    const isValid = (schema: Schema, value: unknown, what: string) => {
      const text = JSON.stringify(schema).replaceAll('"#/', '"document#/');
      assert.ok(ajv.validate(JSON.parse(text), value), `${what}: ${ajv.errorsText()}`);
    };
    const delivery = await until(async () => {
      const { body } = await call("GET", "/v1/webhooks/deliveries");
      return body.deliveries.find(({ state }: { readonly state: string }) => state === "failed");
    }, "a webhook has failed");
    const ids = new Map<string, string[]>([["/v1/webhooks/deliveries", [delivery.id]]]);
    const order = ["post", "get", "put", "patch", "delete"];
    for (const { path, method, operation } of operations().toSorted(
      (a, b) =>
        order.indexOf(a.method) - order.indexOf(b.method) ||
        Number(a.path.includes("{")) - Number(b.path.includes("{")),
    )) {
      const at = `${method} ${path}`;
      const [status = ""] = Object.keys(operation.responses);
      const { "application/json": json, "multipart/form-data": form } = operation.requestBody?.content ?? {};
      const schema = (json ?? form)?.schema;
      const inputs = schema ? fc.sample(arbitrary(schema), { numRuns: CALLS, seed: 1 }) : [undefined];
      await writeFiles();
      ids.set("/v1/files", [idOf("dogs.jpg")]);
      const collection = path.replace(/\/\{.*/, "");
      let successes = 0;
      let last = "";
      for (const input of inputs) {
        const known = ids.get(collection) ?? [];
        const id = method === "delete" ? known.shift() : known[0];
        const reply = await call(
          method.toUpperCase(),
          path.replaceAll(/\{\w+\}/g, id ?? "none") + queryOf(operation),
          form ? formOf(input as Record<string, string>) : input,
        );
        const what = `${at} ${JSON.stringify(input)}: ${reply.status} ${JSON.stringify(reply.body)}`;
        if (String(reply.status) !== status) {
          last = what;
          assert.ok((reply.status >= 400 && reply.status < 500) || reply.status === 501, what);
          isValid({ $ref: "#/components/schemas/Error" }, reply.body, what);
          continue;
        }
        successes++;
        const expected = operation.responses[status]?.content?.["application/json"]?.schema;
        if (expected) isValid(expected, reply.body, what);
        else assert.equal(reply.body, undefined, what);
        const { jobId } = reply.body ?? {};
        if (jobId !== undefined) {
          ids.set("/v1/bulkJobs", [jobId]);
          await until(
            async () => (await call("GET", `/v1/bulkJobs/${jobId}`)).body.status !== "Pending",
            "the job has ended",
          );
        }
        const made = reply.body?.id ?? reply.body?.requestId;
        if (method === "post" && path === collection && made !== undefined)
          ids.set(collection, [...known, made]);
      }
      assert.ok(successes > 0, `${at} never succeeds ${last}`);
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

/** An engine for videos, none of which it can read: so that there is a webhook. */
function brokenVideos(): Plugin {
  const name = "test-videos";
  return {
    name,
    version: "1.0.0",
    apiVersion: 1,
    apply({ hooks }) {
      hooks.transform.tap(name, ({ media }) => {
        if (media !== "video") return undefined;
        const run = () => Promise.reject(new MediaError("UNIDENTIFIED", "The video is broken"));
        return { engine: name, lane: "video", cost: 1, memory: 0, explain: () => ({}), run };
      });
    },
  };
}

function formOf(fields: Readonly<Record<string, string>>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, value);
  return form;
}

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
