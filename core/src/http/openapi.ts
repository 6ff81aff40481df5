import { z } from "zod";
import type { CallDescription } from "../plugin/calls.ts";
import { jsonSchemaOf } from "../util/json-schema.ts";
import { version } from "../util/version.ts";
import type { Call } from "./routes.ts";

/** Of responses that refuse a call. */
const errorSchema = z.looseObject({
  message: z.string(),
  help: z.string().optional(),
});

/** The OpenAPI 3.1 document of management calls. `path`: where they lie. */
export function openApiOf(calls: readonly Call[], path: string): Record<string, unknown> {
  const byPath = Map.groupBy(calls, (call) => call.path.replace(/:(\w+)/g, "{$1}"));
  const paths = [...byPath].map(([path, calls]) => {
    const operations = calls.map((call) => [call.method.toLowerCase(), operationOf(call)]);
    return [path, Object.fromEntries(operations)];
  });
  return {
    openapi: "3.1.0",
    info: { title: "Mediatap management API", version: version() },
    servers: [{ url: path }],
    security: [{ key: [] }],
    paths: Object.fromEntries(paths),
    components: {
      securitySchemes: {
        key: {
          type: "http",
          scheme: "basic",
          description: "The key is the user name; the password is empty.",
        },
      },
      schemas: { Error: jsonSchemaOf(errorSchema, "output") },
    },
  };
}

function operationOf({ method, path, role, plugin, describe }: Call): Record<string, unknown> {
  const {
    summary,
    query,
    body,
    form,
    status = 200,
    response,
  }: CallDescription = describe?.() ?? {
    summary: `${method} ${path}`,
  };
  const inPath = [...path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const success = { description: "Success", ...(response && contentOf("application/json", response)) };
  const refusal = {
    description: "Refused",
    ...contentOf("application/json", { $ref: "#/components/schemas/Error" }),
  };
  const sent = body ? contentOf("application/json", body) : form && contentOf("multipart/form-data", form);
  return {
    operationId: idOf(method, path),
    summary,
    description: `Needs a key with the role ${role}.`,
    tags: [plugin],
    parameters: [...inPath, ...parametersOf(query)],
    ...(sent && { requestBody: { ...sent, required: true } }),
    responses: {
      // What a call without a description returns is not known.
      [describe ? String(status) : "2XX"]:
        status < 400 ? success : { ...refusal, description: "Not supported" },
      default: refusal,
    },
  };
}

const contentOf = (type: string, schema: object) => ({ content: { [type]: { schema } } });

/** `postV1KeysByIdRotate` */
function idOf(method: string, path: string): string {
  const words = path.split("/").filter(Boolean);
  const parts = words.map((word) => {
    const name = word.replace(/^:/, "by-");
    return name.replace(/(?:^|\W)(\w)/g, (_, letter: string) => letter.toUpperCase());
  });
  return method.toLowerCase() + parts.join("");
}

function parametersOf(query: CallDescription["query"]): object[] {
  const { properties = {}, required = [] } = (query ?? {}) as {
    properties?: Record<string, object>;
    required?: readonly string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: "query",
    required: required.includes(name),
    schema,
  }));
}
