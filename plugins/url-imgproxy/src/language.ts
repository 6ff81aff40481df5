import { type Endpoint, invalid, type Output } from "@mediatap/core";
import {
  defineLanguage,
  type Group,
  type GroupReader,
  type Item,
  type Language,
  type Meaning,
  type ReadContext,
  readGroups,
  unsupported,
  type Values,
} from "@mediatap/core/language";
import { createGrammar, tokenize } from "./grammar.ts";
import { isInfo, NAME, printInfo, readInfo } from "./info.ts";
import { createParameters, type ImgproxyValues } from "./parameters.ts";
import { createSignature } from "./signature.ts";
import { createSources, type SourceOptions } from "./source.ts";
import { createOrder } from "./steps.ts";

export interface ImgproxyOptions extends SourceOptions {
  readonly signatureSize: number;
  readonly onlyPresets: boolean;
  readonly autoFormat: boolean;
  readonly watermark?: string;
}

/** The preset that comes before all others, if it exists. */
const DEFAULT = "default";

const isPreset = ({ key }: Item) => key === "pr" || key === "preset";

function presetOf(name: string, { namedTransformations }: Endpoint): string | undefined {
  const entry = Object.hasOwn(namedTransformations, name) ? namedTransformations[name] : undefined;
  return entry?.enabled ? entry.transformation : undefined;
}

/** The options of a preset, and of those that it names; one of `used` is left out, as imgproxy does, so that there is a bound. */
function presetItems(name: string, endpoint: Endpoint, used: Set<string>): readonly Item[] {
  if (used.has(name)) return [];
  used.add(name);
  const text = presetOf(name, endpoint);
  if (text === undefined) throw invalid("pr", "name of a preset", name);
  return withPresets(tokenize(text).flat(), endpoint, used);
}

const withPresets = (items: Group, endpoint: Endpoint, used: Set<string>): readonly Item[] =>
  items.flatMap((item) =>
    isPreset(item) ? item.value.split(":").flatMap((name) => presetItems(name, endpoint, used)) : [item],
  );

function expanded(groups: readonly Group[], endpoint: Endpoint): readonly Group[] {
  const [first = [], ...rest] = groups;
  const used = new Set<string>();
  const start = presetOf(DEFAULT, endpoint) === undefined ? [] : presetItems(DEFAULT, endpoint, used);
  const all = [
    [...start, ...withPresets(first, endpoint, used)],
    ...rest.map((group) => withPresets(group, endpoint, new Set())),
  ];
  return all.filter((group) => group.length > 0);
}

/** What takes several options of a URL together, wherever they are. */
function read(groups: readonly Group[], context: ReadContext, reader: GroupReader<ImgproxyValues>): Meaning {
  let all: Values<ImgproxyValues> = {};
  const { transformation, delivery } = readGroups(
    expanded(groups, context.endpoint),
    context,
    (group, ...more) => {
      const reading = reader(group, ...more);
      all = { ...all, ...reading.values };
      return reading;
    },
  );
  const { raw, fn, att, f, q, fq } = all;
  const deliveryOptions = {
    ...delivery,
    ...(att ? { attachment: fn ?? (true as const) } : fn !== undefined && { filename: fn }),
  };
  if (raw)
    return { transformation: { steps: [], output: { format: "original" } }, delivery: deliveryOptions };
  if (fq && (f === undefined || f === "auto") && !q)
    throw unsupported("quality by format without a format", "fq");
  const quality = q || fq?.get(f ?? "");
  const output: Output = { ...transformation.output, ...(quality && { quality }) };
  return { transformation: { steps: transformation.steps, output }, delivery: deliveryOptions };
}

export function createImgproxy(options: ImgproxyOptions): Language<ImgproxyValues> {
  const { signatureSize, onlyPresets, autoFormat, watermark } = options;
  const sources = createSources(options);
  return defineLanguage({
    name: NAME,
    version: "0.1.0",
    grammar: createGrammar(sources, onlyPresets),
    parameters: createParameters(sources),
    order: createOrder(watermark),
    signature: createSignature({ size: signatureSize, onlyPresets }),
    defaults: { format: autoFormat ? "auto" : "source", sanitizeSvg: true },
    read: (groups, context, reader) => (isInfo(groups) ? readInfo(groups) : read(groups, context, reader)),
    print(job, context, print) {
      const groups = printInfo(job);
      return groups ? { groups, missing: [] } : print(job, context);
    },
    isNamed: (groups) => groups.length > 0 && groups.flat().every(isPreset),
  });
}
