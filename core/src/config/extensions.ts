import type { StandardSchemaV1 } from "@standard-schema/spec";
import { z } from "zod";
import { pluginError } from "../plugin/errors.ts";
import type { Plugin } from "../plugin/plugin.ts";
import { parseOptions } from "./options.ts";
import { configSchema, endpointSchema, tenantSchema } from "./schema.ts";

type Fields = Readonly<Record<string, StandardSchemaV1>>;

/** What plugins add to the configuration. */
export interface Extensions {
  /** Fields of the top level. */
  readonly sections: Fields;
  /** Fields of endpoints; at the top level and of a tenant they are the default of all its endpoints. */
  readonly endpointFields: Fields;
}

/** Throws `ECONFIG` naming the plugin of a field that exists already. */
export function extensionsOf(plugins: readonly Plugin[]): Extensions {
  const sections: Record<string, StandardSchemaV1> = {};
  const endpointFields: Record<string, StandardSchemaV1> = {};
  const owners = new Map<string, string>();
  const known = new Set(
    [configSchema, endpointSchema, tenantSchema].flatMap(({ shape }) => Object.keys(shape)),
  );

  function add(to: Record<string, StandardSchemaV1>, plugin: string, fields: Fields = {}): void {
    for (const [name, schema] of Object.entries(fields)) {
      const owner = known.has(name) ? "the core" : owners.get(name);
      if (owner !== undefined) {
        const advice = "choose another name, or remove one of the plugins";
        throw pluginError(
          plugin,
          `the configuration's field '${name}' belongs to ${owner} already: ${advice}`,
        );
      }
      if (typeof schema?.["~standard"]?.validate !== "function") {
        throw pluginError(plugin, `Expected a Standard Schema for the configuration's field '${name}'`);
      }
      owners.set(name, plugin);
      to[name] = schema;
    }
  }

  for (const plugin of plugins) {
    add(sections, plugin.name, plugin.sections);
    add(endpointFields, plugin.name, plugin.endpointFields);
  }
  return { sections, endpointFields };
}

/** The schema of a configuration with what plugins add to it. */
export function extendedSchema({ sections, endpointFields }: Extensions): typeof configSchema {
  if (Object.keys({ ...sections, ...endpointFields }).length === 0) return configSchema;
  const rules = schemasOf(endpointFields);
  const endpoints = z
    .record(configSchema.shape.endpoints.unwrap().keyType, endpointSchema.extend(rules))
    .optional();
  const tenant = tenantSchema.extend({ ...rules, endpoints });
  const tenants = z.record(configSchema.shape.tenants.unwrap().keyType, tenant).optional();
  const all = { ...schemasOf(sections), ...rules, endpoints, tenants };
  return configSchema.extend(all) as unknown as typeof configSchema;
}

type Owner = Record<string, unknown>;

/** Without the fields of endpoints that a schema has filled in: an endpoint that has none takes its account's. */
export function withoutDefaults<T extends object>(
  checked: T,
  given: Owner,
  { endpointFields }: Extensions,
): T {
  const names = Object.keys(endpointFields);
  const strip = (owner: Owner, from: Owner, maps: readonly string[]): Owner => {
    const remaining = Object.entries(owner).filter(([name]) => !names.includes(name) || name in from);
    const below = maps
      .filter((map) => owner[map] !== undefined)
      .map((map) => [
        map,
        stripAll(owner[map] as Owner, from[map] as Owner, map === "tenants" ? ["endpoints"] : []),
      ]);
    return { ...Object.fromEntries(remaining), ...Object.fromEntries(below) };
  };
  const stripAll = (owners: Owner, from: Owner, maps: readonly string[]): Owner =>
    Object.fromEntries(
      Object.entries(owners).map(([name, owner]) => [name, strip(owner as Owner, from[name] as Owner, maps)]),
    );
  return names.length === 0 ? checked : (strip(checked as Owner, given, ["endpoints", "tenants"]) as T);
}

/** The value of a field that nobody has set: the schema's default. Throws `ECONFIG` naming the field if it needs a value. */
export function defaultOf(schema: StandardSchemaV1, field: string): unknown {
  return parseOptions(fieldSchema(schema), undefined, field);
}

function schemasOf(fields: Fields) {
  return Object.fromEntries(
    Object.entries(fields).map(([name, schema]) => [name, fieldSchema(schema).optional()]),
  );
}

/** Any Standard Schema as one of zod. */
function fieldSchema(schema: StandardSchemaV1): z.ZodType {
  // Its parts are needed to suggest names.
  if ("_zod" in schema) return schema as unknown as z.ZodType;
  return z.unknown().transform((value, context): unknown => {
    const result = schema["~standard"].validate(value);
    if (result instanceof Promise) throw new TypeError("Expected a schema that is synchronous");
    if (!result.issues) return result.value;
    for (const { path = [], message } of result.issues) {
      const keys = path.map((part) => (typeof part === "object" ? part.key : part));
      context.issues.push({ code: "custom", message, path: keys, input: value });
    }
    return z.NEVER;
  });
}
