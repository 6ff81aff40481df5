// Writes core/CONFIGURATION.md: `npm run docs:config`. Names, types and bounds come from the schema at run time, defaults
// from its tables of defaults, meanings and examples from the comments of its fields.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DEFAULT_RULES } from "../src/config/rules.ts";
import { configSchema, endpointSchema, tenantSchema } from "../src/config/schema.ts";
import { DEFAULT_LIMITS, SERVER_LIMITS } from "../src/model/limits.ts";

export const REFERENCE = fileURLToPath(new URL("../CONFIGURATION.md", import.meta.url));

/** A field as its comment describes it. */
interface Description {
  readonly meaning: string;
  readonly default?: string;
  readonly example?: string;
}

/** What the generator reads of a zod schema. */
interface Schema {
  readonly def: {
    readonly type: string;
    readonly innerType?: Schema;
    readonly element?: Schema;
    readonly valueType?: Schema;
    readonly options?: readonly Schema[];
    readonly entries?: Readonly<Record<string, string>>;
    readonly values?: readonly unknown[];
    readonly shape?: Readonly<Record<string, Schema>>;
  };
  readonly format?: string | null;
  readonly minValue?: number | null;
  readonly maxValue?: number | null;
  safeParse(value: unknown): { readonly success: boolean };
}

/** A row of a table: the path of a field below the table's object. */
interface Field {
  readonly path: string;
  readonly schema: Schema;
  readonly description: Description;
}

/**
 * Comments of the fields of a source file, by path: `management.path`. A field belongs to the field or constant above it
 * that is indented less; Biome keeps the indentation.
 */
function commentsOf(file: string): Map<string, Description> {
  const text = readFileSync(new URL(file, import.meta.url), "utf8");
  const found = new Map<string, Description>();
  const above: { indent: number; name: string }[] = [];
  for (const [, comment, indent = "", constant, field] of text.matchAll(
    /(?:\/\*\*((?:(?!\*\/).)*)\*\/\n)?^( *)(?:(?:export )?const (\w+) = |(\w+): )/gms,
  )) {
    while (above.length > 0 && (above.at(-1) as { indent: number }).indent >= indent.length) above.pop();
    above.push({ indent: indent.length, name: (constant ?? field) as string });
    if (comment !== undefined) found.set(above.map(({ name }) => name).join("."), described(comment));
  }
  return found;
}

function described(comment: string): Description {
  const text = comment
    .replace(/^\s*\* ?/gm, "")
    .replaceAll(/\s+/g, " ")
    .trim();
  const [meaning = "", ...tags] = text.split(/ @(?=default|example)/);
  const tag = (name: string) => tags.find((one) => one.startsWith(`${name} `))?.slice(name.length + 1);
  const [value, example] = [tag("default"), tag("example")];
  return {
    meaning,
    ...(value === undefined ? {} : { default: value }),
    ...(example === undefined ? {} : { example }),
  };
}

/** A schema without `optional` and `default`. */
function bare(schema: Schema): Schema {
  return schema.def.innerType ? bare(schema.def.innerType) : schema;
}

/** The forms of a union, or the schema itself. */
function formsOf(schema: Schema): readonly Schema[] {
  const { def } = bare(schema);
  return def.type === "union" ? (def.options ?? []).flatMap(formsOf) : [bare(schema)];
}

/** The fields of an object, or of an object inside a list or a union. */
function shapeOf(schema: Schema): Readonly<Record<string, Schema>> {
  const shapes = formsOf(schema).map(({ def }) => def.shape ?? (def.element && shapeOf(def.element)) ?? {});
  return Object.assign({}, ...shapes);
}

function typeOf(schema: Schema): string {
  const { def, format, minValue, maxValue } = bare(schema);
  switch (def.type) {
    case "enum":
      return Object.values(def.entries ?? {})
        .map((value) => `\`${JSON.stringify(value)}\``)
        .join(", ");
    case "literal":
      return (def.values ?? []).map((value) => `\`${JSON.stringify(value)}\``).join(", ");
    case "union":
      return (def.options ?? []).map(typeOf).join(" or ");
    case "array": {
      const element = typeOf(def.element as Schema);
      return def.element?.def.type === "unknown" ? "list" : `list of ${element}`;
    }
    case "record":
      return `object of ${typeOf(def.valueType as Schema)}`;
    case "number": {
      const kind = format?.includes("int") ? "integer" : "number";
      // `exclusiveMinimum` 0 of an integer is shown as 1 or more.
      const [from, to] = [minValue ?? undefined, maxValue ?? undefined];
      const isBounded = to !== undefined && to < Number.MAX_SAFE_INTEGER;
      if (from === undefined || from < 0) return kind;
      const least = kind === "integer" && isPositive(bare(schema)) ? 1 : from;
      return isBounded ? `${kind} ${least}–${to}` : `${kind} ≥ ${least}`;
    }
    default:
      return def.type === "string" ? "text" : def.type;
  }
}

function isPositive(schema: Schema): boolean {
  return !schema.safeParse(0).success;
}

const comments = new Map([...commentsOf("../src/config/schema.ts"), ...commentsOf("../src/config/rules.ts")]);
const limitComments = commentsOf("../src/model/limits.ts");

/** Fields of an object, and those of objects in them, unless these have a table of their own. */
function fieldsOf(schema: Schema, owners: readonly string[], prefix = ""): Field[] {
  return Object.entries(shapeOf(schema)).flatMap(([name, field]) => {
    const path = `${prefix}${name}`;
    const description = owners.map((owner) => comments.get(`${owner}.${path}`)).find(Boolean);
    if (!description) throw new Error(`${owners[0]}.${path} has no comment that describes it`);
    const isTable = name === "limits" || bare(field).def.type === "record";
    return [{ path, schema: field, description }, ...(isTable ? [] : fieldsOf(field, owners, `${path}.`))];
  });
}

const UNITS: readonly (readonly [pattern: RegExp, units: readonly (readonly [number, string])[]])[] = [
  [
    /^milliseconds/i,
    [
      [86_400_000, "d"],
      [3_600_000, "h"],
      [60_000, "min"],
      [1_000, "s"],
    ],
  ],
  [
    /^bytes/i,
    [
      [2 ** 30, "GiB"],
      [2 ** 20, "MiB"],
      [2 ** 10, "KiB"],
    ],
  ],
];

/** `5000` of milliseconds as `5000` (5 s). */
function withUnit(value: unknown, { meaning }: Description): string {
  const shown = `\`${JSON.stringify(value)}\``;
  if (typeof value !== "number") return shown;
  const units = UNITS.find(([pattern]) => pattern.test(meaning))?.[1] ?? [];
  const [size, name] = units.find(([one]) => value >= one && value % one === 0) ?? [];
  return size === undefined ? shown : `${shown} (${value / size} ${name})`;
}

/** Values that the code uses where nothing is configured. */
const DEFAULTS: Readonly<Record<string, unknown>> = {
  ...DEFAULT_RULES,
};

function defaultOf({ path, schema, description }: Field): string {
  if (path in DEFAULTS) {
    const value = DEFAULTS[path];
    if (Array.isArray(value)) return "";
    if (description.default !== JSON.stringify(value)) {
      throw new Error(
        `${path}: @default is ${description.default}, but the code uses ${JSON.stringify(value)}`,
      );
    }
    return withUnit(value, description);
  }
  if (description.default !== undefined) return `\`${description.default}\``;
  return isRequired(schema) ? "required" : "";
}

function isRequired(schema: Schema): boolean {
  return schema.def.type !== "optional" && schema.def.type !== "default";
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const escaped = rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")));
  const widths = head.map((title, at) =>
    Math.max(title.length, ...escaped.map((row) => row[at]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...escaped.map(line)].join("\n");
}

function tableOf(fields: readonly Field[]): string {
  return table(
    ["Field", "Type", "Default", "Meaning", "Example"],
    fields.map((field) => [
      `\`${field.path}\``,
      field.path === "limits" ? "object, see [Limits](#limits)" : typeOf(field.schema),
      defaultOf(field),
      field.description.meaning,
      field.description.example === undefined ? "" : `\`${field.description.example}\``,
    ]),
  );
}

function limitsTable(): string {
  return table(
    ["Limit", "Default", "Of a tenant", "Meaning"],
    Object.entries(DEFAULT_LIMITS).map(([name, value]) => {
      const isOfServer = name in SERVER_LIMITS;
      const owner = isOfServer ? "SERVER_LIMITS" : "TENANT_LIMITS";
      const description = limitComments.get(`${owner}.${name}`);
      if (!description) throw new Error(`limits.${name} has no comment that describes it`);
      return [`\`${name}\``, withUnit(value, description), isOfServer ? "no" : "yes", description.meaning];
    }),
  );
}

/** Fields whose comments have an example, with their schemas. */
export function examples(): { readonly path: string; readonly schema: Schema; readonly example: string }[] {
  const fields = fieldsOf(configSchema as unknown as Schema, ["configSchema", "account", "rules"]);
  return fields.flatMap(({ path, schema, description: { example } }) =>
    example === undefined ? [] : [{ path, schema, example }],
  );
}

/** The page as it should be. */
export function reference(): string {
  const rules = fieldsOf(endpointSchema as unknown as Schema, ["endpointSchema", "rules"]);
  const isRule = ({ path }: Field) => comments.has(`rules.${path}`);
  const top = fieldsOf(configSchema as unknown as Schema, ["configSchema", "account", "rules"]);
  const tenant = fieldsOf(tenantSchema as unknown as Schema, ["tenantSchema", "account", "rules"]);
  const origin = bare(shapeOf(configSchema as unknown as Schema).origins as Schema).def.valueType as Schema;
  return `# Configuration

<!-- Generated by \`npm run docs:config\` from src/config/schema.ts, src/config/rules.ts and src/model/limits.ts. Edit the comments there. -->

A configuration is a file \`mediatap.config.ts\`, \`.js\`, \`.json\` or \`.yaml\`, \`.mediataprc\`, or the field \`mediatap\` of \`package.json\`.
\`mediatap config\` prints the resolved configuration and the source of each value. In JSON and YAML, \`\${NAME}\` is replaced by an environment
variable and \`\${NAME:-default}\` has a default. An unknown field or a wrong value is refused at start, with file and field.
Plugins add further fields, such as \`videoPolling\` of \`url-imagekit\`; their READMEs describe them.

Sizes are in bytes and times in milliseconds, unless the name or the description of a field contains another unit. An empty default means that the field
has no effect unless it is set.

## Top level

${tableOf(top.filter((field) => !isRule(field)))}

A plugin can add fields to the top level and to endpoints ([PLUGINS.md](PLUGINS.md)); its README describes them.

## Origins

Each entry of \`origins\` has these fields, and those of its type.

${tableOf(fieldsOf(origin, ["origin"]))}

${originTypes()}

## Endpoints

Each entry of \`endpoints\` has these fields, and any of the [rules](#rules).

${tableOf(rules.filter((field) => !isRule(field)))}

## Rules

A rule can be set for an endpoint, for a tenant and at the top level. The value of the endpoint takes precedence, then the value of the tenant, then the value of
the top level. Keys, \`library\`, origins and named transformations of the top level do not apply to tenants.

${tableOf(rules.filter(isRule))}

## Tenants

Each entry of \`tenants\` has these fields, and any of the [rules](#rules).

${tableOf(tenant.filter((field) => !isRule(field)))}

## Limits

A limit that only the server as a whole can have is refused in the configuration of a tenant.

${limitsTable()}
`;
}

/** Origin types of the storage plugins in this repository. */
export const ORIGIN_TYPES: Readonly<Record<string, readonly string[]>> = {
  "storage-fs": ["FOLDER"],
  "storage-web": ["WEB_FOLDER", "WEB_PROXY"],
  "storage-s3": ["S3", "S3_COMPATIBLE", "CLOUDINARY_BACKUP"],
  "storage-azure": ["AZURE_BLOB"],
  "storage-gcs": ["GCS"],
  "storage-akeneo": ["AKENEO_PIM"],
};

function originTypes(): string {
  const url = "https://github.com/mediatap/mediatap/tree/main/plugins";
  return table(
    ["Type", "Plugin, with the fields of the type"],
    Object.entries(ORIGIN_TYPES).map(([plugin, types]) => [
      types.map((type) => `\`${type}\``).join(", "),
      `[${plugin}](${url}/${plugin})`,
    ]),
  );
}

if (import.meta.main) writeFileSync(REFERENCE, reference());
