import {
  bodyOf,
  invalid,
  type Job,
  MediaError,
  type Plan,
  type RenderContext,
  type Source,
} from "@mediatap/core";
import { type Group, type Meaning, unsupported } from "@mediatap/core/language";
import { flag, printFlag } from "./values.ts";

export const NAME = "url-imgproxy";

/** The item that a description begins with: no option can be written so. */
export const INFO = "info";

/** What a description contains. */
interface Fields {
  readonly s: boolean;
  readonly f: boolean;
  readonly d: boolean;
  readonly pn: boolean;
}

const DEFAULTS: Fields = { s: true, f: true, d: true, pn: false };

const NAMES: Readonly<Record<string, keyof Fields>> = {
  s: "s",
  size: "s",
  f: "f",
  format: "f",
  d: "d",
  dimensions: "d",
  pn: "pn",
  pages_number: "pn",
};

/** Options of which only the values count that ask for nothing; each with what is refused otherwise. */
const OTHERS: Readonly<Record<string, string>> = Object.fromEntries(
  (
    [
      ["metadata", "exif iptc xmp"],
      ["descriptions of tracks", "vm video_meta"],
      ["objects", "do detect_objects cl classify"],
      ["crops", "c crop"],
      ["colours", "p palette avg average dc dominant_colors"],
      ["placeholders", "bh blurhash th thumb_hash"],
      ["hashes", "ph phash perceptual_hash chs calc_hashsums"],
      ["pages", "pg page"],
      ["times of videos", "vts video_thumbnail_second vtk video_thumbnail_keyframes"],
      ["presets", "pr preset"],
      ["limits by URL", "msr max_src_resolution msfs max_src_file_size"],
      ["requests that bypass the cache", "bc bypass_cache"],
      ["tags", "ct cache_tags"],
    ] as const
  ).flatMap(([what, names]) => names.split(" ").map((name) => [name, what])),
);

const isOff = (value: string) => /^(?:|0|f|false)(?::|$)/i.test(value);

export const isInfo = (groups: readonly Group[]): boolean => groups[0]?.[0]?.key === INFO;

/** A description, of what its options name. https://docs.imgproxy.net/usage/getting_info */
export function readInfo(groups: readonly Group[]): Meaning {
  const fields: { -readonly [K in keyof Fields]: boolean } = { ...DEFAULTS };
  for (const { key, value } of groups.flat().slice(1)) {
    const name = Object.hasOwn(NAMES, key) ? NAMES[key] : undefined;
    const other = Object.hasOwn(OTHERS, key) ? OTHERS[key] : undefined;
    if (name !== undefined) fields[name] = flag(value, key);
    else if (other === undefined) throw invalid("the URL", "an option of descriptions", key);
    else if (!isOff(value)) throw unsupported(`${other} in descriptions`, key, value);
  }
  const info = { form: { plugin: NAME, options: { ...fields } } };
  return { transformation: { steps: [], output: { info } }, delivery: {} };
}

const fieldsOf = (job: Job): Fields | undefined => {
  const { form } = job.transformation.output.info ?? {};
  return form?.plugin === NAME ? (form.options as unknown as Fields) : undefined;
};

/** The inverse of `readInfo`; `undefined`: the job is none of a description. */
export function printInfo(job: Job): readonly Group[] | undefined {
  const fields = fieldsOf(job);
  const names = Object.keys(DEFAULTS) as (keyof Fields)[];
  return (
    fields && [
      [
        { key: INFO, value: "" },
        ...names
          .filter((name) => fields[name] !== DEFAULTS[name])
          .map((name) => ({ key: name, value: printFlag(fields[name]) })),
      ],
    ]
  );
}

const PRICE = { cost: 2, memory: 1024 * 1024 };

/** `undefined`: the job is none of a description. */
export async function planOf(job: Job, source: Source, context: RenderContext): Promise<Plan | undefined> {
  const fields = fieldsOf(job);
  if (!fields) return undefined;
  const header = await context.inspect("header", source);
  if (!header) throw new MediaError("UNIDENTIFIED", "The file is not a readable image or video");
  const { format, width, height, frames } = header;
  const { size } = source.metadata;
  const values = {
    ...(fields.s && size !== undefined && { size }),
    ...(fields.f && { format }),
    ...(fields.d && { width, height }),
    ...(fields.pn && { pages_number: frames }),
  };
  return {
    engine: NAME,
    lane: "light",
    ...PRICE,
    explain: () => ({ fields: Object.keys(values) }),
    async run() {
      return {
        body: bodyOf(Buffer.from(JSON.stringify(values))),
        type: "application/json",
        format: "json",
      };
    },
  };
}
