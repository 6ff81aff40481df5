import { createHash } from "node:crypto";
import {
  type CallHandler,
  invalid,
  type Job,
  MediaError,
  type PluginApi,
  type SourceMetadata,
  type Spot,
} from "@mediatap/core";
import { memorySource } from "@mediatap/core/decode";
import { describeCall, type Records } from "@mediatap/core/state";
import { NOT_MODIFIED } from "@mediatap/core/storage";
import { z } from "zod";
import { urlQuery } from "./metadata.ts";
import { bodyOf } from "./objects.ts";
import { limitedChange } from "./rate.ts";

const CALL = "/v1/focal-points";

/** Collection of the store, and name of focal points among the sources of renditions. */
const COLLECTION = "manage-imagekit-focal-points";
const ORIGIN = "focal-points";

/** Path of the focal point of an image by the image's SHA-256. The path of no URL begins with a slash. */
const pathOf = (content: string) => `/${ORIGIN}/${content}`;
const PATH = new RegExp(`^${pathOf("([0-9a-f]{64})")}$`);

const fraction = z.number().min(0).max(1);
const spotSchema = z.strictObject({ x: fraction, y: fraction });
const pointSchema = spotSchema.extend(urlQuery.shape);

/** The record of an image. One without a point had one before. */
const recordSchema = z.strictObject({
  /** When it was set or removed, milliseconds since 1970. */
  time: z.number(),
  point: spotSchema.optional(),
});

type FocalPoint = z.infer<typeof recordSchema>;

/**
 * Adds focal points: they are stored by account and content, so that they survive a move of the file. A focal point is a source of the
 * renditions that use it: their entity tags depend on it, they are revalidated with it, and a change purges only them.
 */
export function addFocalPoints(
  { manage, hooks, jobs, purge, cluster }: Pick<PluginApi, "manage" | "hooks" | "jobs" | "purge" | "cluster">,
  plugin: string,
): void {
  const records = cluster.records(COLLECTION);
  if (records) tapHooks(records);

  manage(
    "GET",
    CALL,
    async ({ query }, endpoints) => {
      const { image, stored } = await open(query.get("url"), endpoints);
      const { point = {} } = await read(stored, image);
      return { body: point };
    },
    {
      role: "read",
      describe: describeCall("Read the focal point of an image", {
        query: urlQuery,
        response: spotSchema.partial(),
      }),
    },
  );
  manage(
    "PUT",
    CALL,
    limitedChange(async (request, endpoints, rights) => {
      const { url, x, y } = await bodyOf(request, pointSchema);
      rights.state();
      const path = await write(url, endpoints, { x, y });
      rights.note(`the focal point of ${path} was set to ${x}, ${y}`);
      return { body: { x, y } };
    }),
    {
      describe: describeCall("Set the focal point of an image", { body: pointSchema, response: spotSchema }),
    },
  );
  manage(
    "DELETE",
    CALL,
    limitedChange(async ({ query }, endpoints, rights) => {
      rights.state();
      const path = await write(query.get("url"), endpoints, undefined);
      rights.note(`the focal point of ${path} was removed`);
      return { status: 204, body: undefined };
    }),
    { describe: describeCall("Remove the focal point of an image", { query: urlQuery, status: 204 }) },
  );

  function tapHooks(records: Records): void {
    hooks.inspect.for("focalPoint").tapPromise(plugin, async (source, context) => {
      const header = await context.inspect("header", source);
      // Of a video all bytes would be read.
      if (!header || header.duration !== undefined) return undefined;
      const tenant = tenantOf(source.metadata.origin);
      // Its engine reads the same bytes: of a stream there would be nothing left.
      const bytes =
        source.file === undefined ? [await source.bytes(context.limits.imageBytes)] : await source.stream();
      const path = pathOf(await digestOf(bytes));
      const point = await context.open({ tenant, endpoint: "", kind: "path", path });
      const { x, y } = (JSON.parse(Buffer.from(await point.bytes(1_000)).toString()) ?? {}) as Partial<Spot>;
      return x === undefined || y === undefined ? undefined : { x, y };
    });
    hooks.fetch.tapPromise(plugin, async ({ tenant, path }, { ifNoneMatch, onNotModified }) => {
      const content = PATH.exec(path)?.[1];
      if (content === undefined) return undefined;
      const { time, point } = await read(records, { tenant, content });
      const etag = point ? `"${point.x},${point.y}"` : `"none"`;
      if (ifNoneMatch === etag) {
        onNotModified?.({});
        return NOT_MODIFIED;
      }
      const origin = tenant === "" ? ORIGIN : `${tenant}/${ORIGIN}`;
      const metadata: SourceMetadata = { origin, path, etag, lastModified: time, fetched: Date.now() };
      return memorySource(metadata, Buffer.from(JSON.stringify(point ?? null)));
    });
  }

  /** The image of a URL. Throws if the key is not valid for it, and if no plugin stores state. */
  async function open(url: string | null | undefined, endpoints: Parameters<CallHandler>[1]) {
    if (!url) throw invalid("url", "the URL of an image", url ?? undefined);
    if (!records) {
      const text = "Focal points cannot be set here: no plugin of the configuration keeps state.";
      throw new MediaError("EUNSUPPORTED", text, { status: 501 });
    }
    const { problem, ...job } = await jobs.resolve(url);
    const { tenant, endpoint } = job.asset;
    if (!endpoints.some((one) => one.tenant === tenant && one.name === endpoint)) {
      throw new MediaError("EFORBIDDEN", "The key is not valid for the endpoint of this URL.");
    }
    if (problem) throw new MediaError(problem.code, problem.message);
    return { path: job.asset.path, image: { tenant, content: await contentOf(job) }, stored: records };
  }

  /** SHA-256 of the original. */
  async function contentOf(job: Job): Promise<string> {
    const transformation = { steps: [], output: { format: "original" as const } };
    const { body, record } = await jobs.obtain({ ...job, transformation, delivery: {} });
    try {
      if (!body || !record.original || job.media === "video") {
        throw new MediaError("EUNSUPPORTED", "Not supported: a focal point of this kind of file");
      }
      return await digestOf(await body.stream());
    } finally {
      await body?.close?.();
    }
  }

  /** Resolves with the path of the image. */
  async function write(
    url: string | null,
    endpoints: Parameters<CallHandler>[1],
    point: FocalPoint["point"],
  ): Promise<string> {
    const { path, image, stored } = await open(url, endpoints);
    const record: FocalPoint = { time: Date.now(), ...(point && { point }) };
    await stored.put(keyOf(image), JSON.stringify(record));
    await purge({ kind: "source", value: pathOf(image.content), tenant: image.tenant });
    return path;
  }
}

interface Image {
  readonly tenant: string;
  /** SHA-256 of its bytes. */
  readonly content: string;
}

const keyOf = ({ tenant, content }: Image) => `${tenant}/${content}`;

async function read(records: Records, image: Image): Promise<FocalPoint> {
  const stored = await records.get(keyOf(image));
  return stored === undefined ? { time: 0 } : recordSchema.parse(JSON.parse(stored));
}

/** The account of an origin, by its name. */
const tenantOf = (origin: string) => (origin.includes("/") ? origin.slice(0, origin.indexOf("/")) : "");

async function digestOf(bytes: AsyncIterable<Uint8Array> | readonly Uint8Array[]): Promise<string> {
  const digest = createHash("sha256");
  for await (const chunk of bytes) digest.update(chunk);
  return digest.digest("hex");
}
