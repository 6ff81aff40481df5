import { createRequire } from "node:module";

const SERVICES = new URL("../../services/package.json", import.meta.url);

/** Options of a step, as the SDKs name them. */
export type Step = Readonly<Record<string, unknown>>;

/** The little of ImageKit's SDKs that is used here: they are not installed with the workspace. */
export interface Sdks {
  /** `@imagekit/javascript` 5 */
  readonly javascript: {
    buildSrc(options: SrcOptions): string;
    getResponsiveImageAttributes(options: SrcOptions & { width?: number; sizes?: string }): {
      src: string;
      srcSet: string;
      sizes?: string;
    };
  };
  /** `@imagekit/nodejs` 7, which signs. */
  node(privateKey: string): {
    buildSrc(options: SrcOptions & { signed?: boolean; expiresIn?: number }): string;
  };
  /** Its client of the management API. */
  client(options: { baseURL: string; privateKey: string }): Management;
  /** All its calls by name (`files.get`), with the request that each makes: `GET /v1/files/id/details`. Ids are `id`. */
  requests(): Promise<ReadonlyMap<string, string>>;
  /** Its check of webhooks: returns the event, or throws if no signature matches `key`. */
  unwrap(body: string, options: { headers: Readonly<Record<string, string>>; key: string }): unknown;
  /** `imagekit` 6, for Node, and `imagekit-javascript` 4, for browsers. */
  old(urlEndpoint: string, privateKey: string): { url(options: OldOptions): string };
  oldJavascript(urlEndpoint: string): { url(options: OldOptions): string };
}

interface DateRange {
  readonly startDate: string;
  readonly endDate: string;
}

/** One group of calls; what they resolve with is ImageKit's JSON. */
interface Calls {
  list(): Promise<Json[]>;
  create(body: object): Promise<Json>;
  get(id: string): Promise<Json>;
  update(id: string, body: object): Promise<Json>;
  delete(id: string): Promise<unknown>;
}

type Json = Readonly<Record<string, unknown>> & { readonly id: string };

type Reply = Readonly<Record<string, unknown>>;
/** Further options of a call. */
interface CallOptions {
  readonly query?: Readonly<Record<string, string>>;
}

/** A call with a body. */
type Post = (body: object, options?: CallOptions) => Promise<Reply>;

export interface Management {
  readonly helper: {
    getAuthenticationParameters(token?: string, expire?: number): Readonly<Record<string, string | number>>;
  };
  readonly assets: { list(query?: object, options?: CallOptions): Promise<Reply[]> };
  readonly files: {
    readonly upload: Post;
    get(id: string): Promise<Reply>;
    update(id: string, body: object): Promise<Reply>;
    delete(id: string): Promise<unknown>;
    readonly copy: Post;
    readonly move: Post;
    readonly rename: Post;
    readonly bulk: {
      readonly delete: Post;
      readonly addTags: Post;
      readonly removeTags: Post;
      readonly removeAITags: Post;
    };
    readonly versions: {
      list(id: string): Promise<Reply[]>;
      get(id: string, params: { fileId: string }): Promise<Reply>;
      delete(id: string, params: { fileId: string }): Promise<Reply>;
      restore(id: string, params: { fileId: string }): Promise<Reply>;
    };
    readonly metadata: {
      get(id: string): Promise<Reply>;
      getFromURL(query: { url: string }): Promise<Reply>;
    };
  };
  readonly folders: {
    readonly create: Post;
    readonly delete: Post;
    readonly copy: Post;
    readonly move: Post;
    readonly rename: Post;
    readonly job: { get(id: string): Promise<Reply> };
  };
  readonly customMetadataFields: Omit<Calls, "get">;
  readonly savedExtensions: Calls;
  readonly beta: { readonly v2: { readonly files: { readonly upload: Post } } };
  readonly accounts: {
    readonly origins: Calls;
    readonly urlEndpoints: Calls;
    readonly usage: { get(query: DateRange): Promise<Readonly<Record<string, unknown>>> };
    readonly usageAnalytics: { get(query: DateRange): Promise<Readonly<Record<string, unknown>>> };
  };
  readonly namedTransformations: Calls;
}

interface SrcOptions {
  readonly urlEndpoint: string;
  readonly src: string;
  readonly transformation?: readonly Step[];
  readonly transformationPosition?: "path" | "query";
  readonly queryParameters?: Readonly<Record<string, string | number>>;
}

export interface OldOptions {
  readonly path?: string;
  readonly src?: string;
  readonly transformation?: readonly Step[];
  readonly transformationPosition?: "path" | "query";
  readonly queryParameters?: Readonly<Record<string, string>>;
  readonly signed?: boolean;
  readonly expireSeconds?: number;
}

/** A suite that needs ImageKit's SDKs. Where they are missing one line says so; with `CI=true` the suite fails instead. */
export function describeWithSdks(title: string, suite: (sdks: Sdks) => void): void {
  const sdks = load();
  if (sdks) {
    describe(title, () => suite(sdks));
    return;
  }
  const missing = `${title}: ImageKit's SDKs are not installed: npm ci --prefix test/services`;
  if (process.env.CI === "true") {
    describe(title, () => {
      it("finds the SDKs", () => {
        throw new Error(missing);
      });
    });
    return;
  }
  console.log(`Skipping ${missing}`);
  describe.skip(title, () => {});
}

function load(): Sdks | undefined {
  const require = createRequire(SERVICES);
  try {
    const javascript = require("@imagekit/javascript");
    const { default: Node } = require("@imagekit/nodejs");
    const Old = require("imagekit");
    const OldJavascript = require("imagekit-javascript");
    const publicKey = "public_key";
    return {
      javascript,
      node: (privateKey) => new Node({ privateKey }).helper,
      client: (options) => new Node({ ...options, maxRetries: 0 }),
      requests: () => requestsOf((fetch) => new Node({ privateKey: "private_key", maxRetries: 0, fetch })),
      unwrap: (body, options) => new Node({ privateKey: "private_key" }).webhooks.unwrap(body, options),
      old: (urlEndpoint, privateKey) => new Old({ publicKey, privateKey, urlEndpoint }),
      oldJavascript: (urlEndpoint) => new OldJavascript({ publicKey, urlEndpoint }),
    };
  } catch {
    return undefined;
  }
}

/** Parts of the client that make no call. */
const LOCAL = ["helper", "webhooks"];

async function requestsOf(client: (fetch: typeof globalThis.fetch) => object): Promise<Map<string, string>> {
  let sent = "";
  const calls = new Map<string, string>();
  const answer: typeof fetch = async (url, options) => {
    sent = `${options?.method?.toUpperCase()} ${new URL(String(url)).pathname}`;
    return new Response(null, { status: 204 });
  };
  async function walk(part: object, path: string): Promise<void> {
    for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(part))) {
      const call = (part as Record<string, unknown>)[name];
      if (path === "" || name === "constructor" || typeof call !== "function") continue;
      const hasId = /`[^`]*\$\{/.test(call.toString());
      const file = name === "upload" && { file: new File(["x"], "x"), fileName: "x" };
      await call.call(part, ...(hasId ? ["id", { fileId: "id" }] : [{ ...file }]));
      calls.set(path + name, sent);
    }
    for (const [name, below] of Object.entries(part)) {
      if (LOCAL.includes(name) || name === "_client" || typeof below !== "object" || !below?._client)
        continue;
      await walk(below, `${path}${name}.`);
    }
  }
  await walk(client(answer), "");
  return calls;
}

/** Path and query of a URL as clients send them: what SDKs leave unescaped, URL parsers escape. */
export function sent(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}
