import { z } from "zod";

/** A JSON Schema by zod; `io`: what clients send, or what they get. */
export function jsonSchemaOf(schema: z.ZodType, io: "input" | "output" = "input"): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  return rest;
}

/** What checks a call, and what types its response. Fields of `CallDescription`. */
interface CallSchemas {
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  readonly form?: z.ZodType;
  readonly status?: number;
  readonly response?: z.ZodType;
}

/** `describe` of a management call, by the schemas that check it. */
export function describeCall(summary: string, { query, body, form, status, response }: CallSchemas = {}) {
  return () => ({
    summary,
    ...(query && { query: jsonSchemaOf(query) }),
    ...(body && { body: jsonSchemaOf(body) }),
    ...(form && { form: jsonSchemaOf(form) }),
    ...(status !== undefined && { status }),
    ...(response && { response: jsonSchemaOf(response, "output") }),
  });
}
