import { type CallHandler, invalid, MediaError, type PluginApi } from "@mediatap/core";
import { describeCall } from "@mediatap/core/state";
import type { Usage, UsageOfName, UsageQuery } from "@mediatap/core/usage";
import { z } from "zod";

/** Where the service has them. */
const USAGE = "/v1/accounts/usage";
const ANALYTICS = "/v1/accounts/usage-analytics";

const DAY_MS = 86_400_000;

/** Longest span between the dates of a call, in days. */
const MAX_DAYS = 90;

/** Names in a list of the response. */
const MAX_NAMES = 100;

const date = z.iso.date().meta({ examples: ["2026-11-30"] });
/** Parameters of both calls, for their descriptions. */
const querySchema = z.object({ startDate: date.meta({ examples: ["2026-11-01"] }), endDate: date });

const named = z.object({ name: z.string(), requestCount: z.int() });
const entries = z.array(named.extend({ bandwidthBytes: z.number(), code: z.string().optional() }));
const ordered = z.object({ byRequests: entries, byBandwidth: entries });

/** What the service calls usage analytics, for the description of the call. */
const analyticsSchema = z.object({
  startDate: date,
  endDate: date,
  generatedAt: z.iso.datetime(),
  requestCount: z.int(),
  bandwidthBytes: z.number(),
  cache: z.object({ hitCount: z.int(), missCount: z.int(), errorCount: z.int() }),
  statusCodes: z.array(named),
  errorReasons: z.array(named),
  top404Assets: z.array(named),
  browser: ordered,
  device: ordered,
  country: ordered,
  format: ordered,
  topImages: ordered,
  topImageTransforms: ordered,
  topVideos: ordered,
  topVideoTransforms: ordered,
  topOtherAssets: ordered,
  topReferrers: ordered,
  topUserAgents: ordered,
  urlEndpoints: ordered,
  extensions: z.array(z.unknown()),
  videoProcessing: z.array(z.unknown()),
});

/** Kinds of devices in the service's words. */
const DEVICES: Readonly<Record<string, string>> = {
  "Windows PC": "Desktop - Windows PC",
  Mac: "Desktop - Apple Mac",
  "Linux PC": "Desktop - Linux PC",
  Chromebook: "Desktop - Chromebook",
  iPhone: "Smartphone - Apple iPhone",
  "Android phone": "Smartphone - Android",
  iPad: "Tablet - Apple iPad",
  "Android tablet": "Tablet - Android",
  robot: "Robot",
  other: "Other",
};

/** Why an origin had no file to offer, in words, by the code. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "Not found at origin",
  EACCES: "Access denied by origin",
  ECONNREFUSED: "Origin unreachable",
  ETIMEDOUT: "Origin timeout",
  ELIMIT: "File exceeds a limit",
  UNIDENTIFIED: "Origin error",
};

/**
 * Adds the calls that report the usage of an account (https://imagekit.io/docs/api-reference/account-management-api): of the endpoints
 * that the key is valid for.
 */
export function addUsage({ manage, state }: Pick<PluginApi, "manage" | "state">, help: string): void {
  const call =
    (isEndIncluded: boolean, bodyOf: (usage: Usage, dates: Dates) => object): CallHandler =>
    async ({ query }, endpoints) => {
      const { usage } = state();
      if (!usage) {
        return {
          status: 501,
          body: { message: "Usage is not counted: the plugin analytics is missing.", help },
        };
      }
      const dates = datesOf(query, isEndIncluded);
      const { from, to } = dates;
      return { body: bodyOf(await usage({ from, to, by: "day", endpoints }), dates) };
    };
  const billedUsage = call(false, ({ total }) => ({ bandwidthBytes: total.bytes }));
  const describe = (summary: string, response: z.ZodType) =>
    describeCall(summary, { query: querySchema, response });
  manage("GET", USAGE, billedUsage, {
    role: "read",
    atRoot: true,
    describe: describe("Bytes sent between two dates", z.object({ bandwidthBytes: z.number() })),
  });
  manage("GET", ANALYTICS, call(true, analyticsOf), {
    role: "read",
    atRoot: true,
    describe: describe("Usage between two dates", analyticsSchema),
  });
}

interface Dates extends Pick<UsageQuery, "from" | "to"> {
  readonly startDate: string;
  readonly endDate: string;
}

function datesOf(query: URLSearchParams, isEndIncluded: boolean): Dates {
  const [startDate, from] = dateOf(query, "startDate");
  const [endDate, end] = dateOf(query, "endDate");
  const to = isEndIncluded ? end + DAY_MS : end;
  if (to <= from) {
    const note = isEndIncluded ? "" : " Its own day is not counted.";
    throw new MediaError("EINVAL", `The endDate must be after the startDate.${note}`);
  }
  if (end - from >= MAX_DAYS * DAY_MS) {
    throw new MediaError("EINVAL", `The dates must be less than ${MAX_DAYS} days apart.`);
  }
  return { startDate, endDate, from, to };
}

function dateOf(query: URLSearchParams, name: string): [text: string, time: number] {
  const text = query.get(name);
  const time = /^\d{4}-\d\d-\d\d$/.test(text ?? "") ? Date.parse(text as string) : Number.NaN;
  // `Date` takes the 31st of each month.
  if (Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text) {
    throw invalid(name, "a date such as 2026-11-30", text ?? undefined);
  }
  return [text, time];
}

/** A report in the form of the service. */
function analyticsOf({ total, endpoints, lists }: Usage, { startDate, endDate }: Dates): object {
  const transformations = (list: readonly UsageOfName[]) =>
    tables(list.map((one) => ({ ...one, name: `tr:${one.name}` })));
  return {
    startDate,
    endDate,
    generatedAt: new Date(Date.now()).toISOString(),
    requestCount: total.requests,
    bandwidthBytes: total.bytes,
    cache: { hitCount: total.hits, missCount: total.misses, errorCount: total.errors },
    statusCodes: counts(lists.statuses.filter(({ name }) => /^\d+$/.test(name))),
    errorReasons: counts(summed(lists.origins, reasonOf)),
    top404Assets: counts(lists.notFound),
    browser: tables(summed(lists.agents, ({ name }) => name.replace(/ \d+$/, ""))),
    device: tables(summed(lists.devices, ({ name }) => DEVICES[name] ?? name)),
    country: countries(lists.countries),
    format: tables(lists.types),
    topImages: tables(lists.images),
    topImageTransforms: transformations(lists.imageTransformations),
    topVideos: tables(lists.videos),
    topVideoTransforms: transformations(lists.videoTransformations),
    topOtherAssets: tables(lists.files),
    topReferrers: tables(lists.referrers),
    topUserAgents: tables(lists.agents),
    urlEndpoints: tables(
      endpoints.map(({ endpoint, ...one }) => ({
        ...one,
        name: endpoint === "default" ? "Default" : endpoint,
      })),
    ),
    extensions: [],
    videoProcessing: [],
  };
}

function counts(list: readonly UsageOfName[]): object[] {
  return list.slice(0, MAX_NAMES).map(({ name, requests }) => ({ name, requestCount: requests }));
}

/** Both orders that the service has a list in. */
function tables<T extends UsageOfName>(
  list: readonly T[],
  more: (entry: T) => object = () => ({}),
): { byRequests: object[]; byBandwidth: object[] } {
  const by = (field: "requests" | "bytes") =>
    list
      .toSorted((a, b) => b[field] - a[field])
      .slice(0, MAX_NAMES)
      .map((entry) => ({
        ...more(entry),
        name: entry.name,
        requestCount: entry.requests,
        bandwidthBytes: entry.bytes,
      }));
  return { byRequests: by("requests"), byBandwidth: by("bytes") };
}

function countries(list: readonly UsageOfName[]): ReturnType<typeof tables> {
  const names = new Intl.DisplayNames("en", { type: "region" });
  const named = list.map((one) => ({ ...one, code: one.name, name: names.of(one.name) ?? one.name }));
  return tables(named, ({ code }) => ({ code }));
}

/** A list under other names; what has none is left out. */
function summed(
  list: readonly UsageOfName[],
  nameOf: (entry: UsageOfName) => string | undefined,
): UsageOfName[] {
  const sums = new Map<string, { name: string; requests: number; bytes: number }>();
  for (const entry of list) {
    const name = nameOf(entry);
    if (name === undefined) continue;
    const sum = sums.get(name) ?? { name, requests: 0, bytes: 0 };
    sum.requests += entry.requests;
    sum.bytes += entry.bytes;
    sums.set(name, sum);
  }
  return [...sums.values()].sort((a, b) => b.requests - a.requests);
}

/** Of attempts at an origin that offered no file. */
function reasonOf({ name }: UsageOfName): string | undefined {
  const code = / ([A-Z]+)$/.exec(name)?.[1];
  return code && (REASONS[code] ?? code);
}
