import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { open, readFile } from "node:fs/promises";
import {
  type CallHandler,
  type CallRights,
  type Endpoint,
  MediaError,
  type PluginApi,
  type RouteRequest,
} from "@mediatap/core";
import { isSvg, isSvgSource } from "@mediatap/core/decode";
import { describeCall } from "@mediatap/core/state";
import { z } from "zod";
import { isMedia, mimeOf, namesOf, uploadedSchema } from "./assets.ts";
import { assertType, createChanges } from "./file-changes.ts";
import { describedBy, jobOf } from "./files.ts";
import { createReceiver, type ReceivedFile, type ReceivedForm, tooLong } from "./form.ts";
import {
  ability,
  cannot,
  choiceQuery,
  createLibrary,
  exists,
  type FileLocation,
  join,
  nameOf,
  type OriginLocation,
  pathOf,
  rulesFor,
  rulesIn,
  rulesOf,
} from "./library.ts";
import { createDescribe } from "./metadata.ts";
import { checked } from "./objects.ts";
import type { Reply } from "./rate.ts";
import { createSanitizer } from "./sanitize.ts";
import { createKeyOf, signedFields } from "./signed-forms.ts";

const NAME = "manage-imagekit";

/** Both versions take the same form from a caller that has a private key. */
const PATHS = ["/api/v1/files/upload", "/api/v2/files/upload"];

const flag = z.enum(["true", "false"]).transform((text) => text === "true");

const RESPONSE_FIELDS = [
  ...(["tags", "customCoordinates", "isPrivateFile", "isPublished", "customMetadata"] as const),
  ...(["embeddedMetadata", "metadata", "selectedFieldsSchema"] as const),
];

const schema = z.object({
  fileName: z
    .string({ error: "Expected the name of the file" })
    .min(1)
    .max(2_000)
    .meta({ examples: ["red.gif"] }),
  folder: z
    .string()
    .max(2_000)
    .default("/")
    .meta({ examples: ["/animals"] }),
  useUniqueFileName: flag.default(true),
  overwriteFile: flag.default(true),
  isPrivateFile: flag.default(false),
  isPublished: flag.default(true),
  responseFields: z
    .string()
    .meta({ examples: [RESPONSE_FIELDS.join(",")] })
    .transform((text) => text.split(",").map((field) => field.trim()))
    .pipe(z.array(z.enum(RESPONSE_FIELDS)))
    .default([]),
});

type Options = z.output<typeof schema>;

/** The form as a client sends it; one without a key signs it. */
const formSchema = schema.extend({
  ...signedFields.partial().shape,
  file: z.string().meta({
    description: "Bytes, base64 or URL of the file",
    examples: ["R0lGODlhAQABAPAAAP8AAAAAACwAAAAAAQABAAACAkQBADs="],
  }),
});

/** Fields of a form that say something about a file that no storage keeps. */
const UNSUPPORTED: Readonly<Record<string, string>> = {
  tags: "tags",
  customCoordinates: "custom coordinates",
  customMetadata: "custom metadata",
  description: "descriptions",
  extensions: "extensions",
  transformation: "transformations before or after the upload",
  checks: "checks",
};

type ManageOptions = NonNullable<Parameters<PluginApi["manage"]>[3]>;

/** All uploads of clients without a key count as those of one account. */
const SIGNED = "\0signed";

/** Adds the calls that upload a file. */
export function addUploads(
  api: Pick<
    PluginApi,
    "manage" | "origins" | "jobs" | "hooks" | "purge" | "shared" | "fetcher" | "limitsOf" | "cluster"
  >,
): void {
  const { manage, jobs, limitsOf } = api;
  const library = createLibrary(api);
  const changes = createChanges(api);
  const describe = createDescribe(jobs);
  const receive = createReceiver(api);
  const sanitize = createSanitizer(api);
  const keyOf = createKeyOf(api);
  let endpoints: readonly Endpoint[] = [];
  api.hooks.start.tap(NAME, (runtime) => {
    endpoints = runtime.endpoints;
  });

  const upload: CallHandler = async (request, endpoints, rights) => {
    const location = locationOf(request, endpoints);
    const { maxBytes } = rulesOf(location);
    const { tenant: account } = location.endpoint;
    return await receive(request, { account, maxBytes }, (form) =>
      storeUpload(form, location, request, rights),
    );
  };

  /** Of a client without a key, whose form is signed. */
  const uploadSigned: NonNullable<ManageOptions["withoutKey"]> = async (request, open) => {
    const allowed = endpoints.filter(({ fields }) => rulesIn(fields)?.clientUploads);
    // What such a request has always got.
    if (allowed.length === 0) return await open("", upload);
    const maxBytes = Math.max(...allowed.map(({ fields }) => rulesIn(fields)?.maxBytes ?? 0));
    let key = "";
    const admit = async (fields: ReceivedForm["fields"]) => {
      key = await keyOf(fields, allowed);
    };
    return await receive(request, { account: SIGNED, maxBytes, admit }, (form) =>
      open(key, async (_, endpoints, rights) => {
        const location = locationOf(request, endpoints);
        const { clientUploads, maxBytes } = rulesOf(location);
        if (!clientUploads) {
          throw new MediaError("EFORBIDDEN", "The configuration does not allow uploads without a key.");
        }
        if (form.file && form.file.bytes > maxBytes) throw tooLong(maxBytes);
        return await storeUpload(form, location, request, rights);
      }),
    );
  };

  /** The first origin that can be written to. */
  function locationOf(request: RouteRequest, endpoints: readonly Endpoint[]): OriginLocation {
    const locations = library.locationsOf(request.query, endpoints);
    const location = locations.find(({ storage }) => storage.write) ?? locations[0];
    if (!location) throw new MediaError("ENOENT", "The URL endpoint has no origin.");
    rulesOf(location);
    ability(location, "write", "write files");
    return location;
  }

  async function storeUpload(
    { fields, file }: ReceivedForm,
    location: OriginLocation,
    request: RouteRequest,
    rights: CallRights,
  ): Promise<Reply> {
    const options = optionsOf(fields);
    if (!file) throw new MediaError("EINVAL", "file: Expected the bytes of a file, its base64 or its URL");
    const target = await targetOf({ ...location, path: "" }, options);
    if (options.isPrivateFile && !location.storage.keepsPrivate) {
      throw cannot(location.origin, "mark files as private");
    }
    const size = await store(target, file, options);
    await changes.purgeFile(target);
    rights.note(`the file ${target.path} was uploaded`);
    const { thumbnail, ...names } = namesOf(target, request);
    return {
      body: {
        ...names,
        thumbnailUrl: thumbnail,
        size,
        ...(isMedia(target.path) && (await describedBy(describe, target))),
        versionInfo: { id: names.fileId, name: "Version 1" },
        AITags: null,
        ...(await responseFieldsOf(target, options)),
      },
    };
  }

  /** Writes a file to its target. Returns its size. */
  async function store(
    target: FileLocation,
    { path, bytes }: ReceivedFile,
    options: Options,
  ): Promise<number> {
    const write = ability(target, "write", "write files");
    const metadata = {
      type: mimeOf(target.path),
      ...(options.isPrivateFile && { private: true }),
      isNew: options.useUniqueFileName || !options.overwriteFile,
    };
    const { svgBytes } = limitsOf(target.endpoint.tenant);
    const isNamedSvg = mimeOf(target.path) === "image/svg+xml";
    const peek = (length: number) => headOf(path, Math.min(length, bytes));
    if (!rulesFor(target).sanitizeSvg || !(isNamedSvg || (await isSvgSource({ peek }, svgBytes)))) {
      await write(target.path, createReadStream(path), { ...metadata, size: bytes });
      return bytes;
    }
    if (bytes > svgBytes)
      throw new MediaError("ELIMIT", `file: Expected an SVG of at most ${svgBytes} bytes`);
    const clean = await sanitize(await readFile(path), target.endpoint);
    // Browsers run scripts of any XML that is named so.
    if (!isSvg(clean)) throw new MediaError("EINVAL", "file: Expected an SVG");
    await write(target.path, clean, { ...metadata, size: clean.length });
    return clean.length;
  }

  async function responseFieldsOf(
    target: FileLocation,
    { responseFields, isPrivateFile }: Options,
  ): Promise<object> {
    const known: Readonly<Record<string, unknown>> = {
      tags: null,
      customCoordinates: null,
      isPrivateFile,
      isPublished: true,
      customMetadata: {},
      embeddedMetadata: {},
      selectedFieldsSchema: {},
    };
    const own = responseFields.filter((field) => field !== "metadata").map((field) => [field, known[field]]);
    const metadata = responseFields.includes("metadata")
      ? await describe(jobOf(target), target.endpoint)
      : undefined;
    return { ...Object.fromEntries(own), ...(metadata && { metadata }) };
  }

  for (const path of PATHS) {
    manage("POST", path, upload, {
      atRoot: true,
      withoutKey: uploadSigned,
      describe: describeCall("Upload a file", {
        query: choiceQuery,
        form: formSchema,
        response: uploadedSchema,
      }),
    });
  }
}

function optionsOf(fields: Readonly<Record<string, string>>): Options {
  const options = checked(schema, fields);
  for (const [field, what] of Object.entries(UNSUPPORTED)) {
    const value = fields[field] ?? "";
    if (value === "" || value === "[]" || value === "{}") continue;
    throw new MediaError("EUNSUPPORTED", `${field}: Files have no ${what} here.`, { status: 501 });
  }
  if (options.isPublished) return options;
  throw new MediaError("EUNSUPPORTED", "isPublished: Files cannot be unpublished here.", { status: 501 });
}

/** The target of a file. Throws if it is not allowed. */
async function targetOf(
  location: FileLocation,
  { fileName, folder, useUniqueFileName, overwriteFile }: Options,
): Promise<FileLocation> {
  const name = nameOf(fileName, "fileName");
  const above = pathOf(folder, "folder", { isFolder: true });
  const at = (name: string) => ({ ...location, path: pathOf(join(above, name), "fileName") });
  assertType(name, rulesFor(at(name)));
  if (!useUniqueFileName) {
    const target = at(name);
    if (overwriteFile || !(await exists(target))) return target;
    throw new MediaError(
      "EINVAL",
      "There is a file with this name already, and both overwriteFile and useUniqueFileName are false.",
    );
  }
  for (;;) {
    const target = at(uniqueName(name));
    if (!(await exists(target))) return target;
  }
}

/** As of the service: nine letters or digits after an underscore, before the extension. */
function uniqueName(name: string): string {
  const suffix = `_${randomBytes(16).toString("base64").replace(/[+/=]/g, "").slice(0, 9)}`;
  const dot = name.lastIndexOf(".");
  return dot < 0 ? name + suffix : name.slice(0, dot) + suffix + name.slice(dot);
}

/** The first bytes of a file. */
async function headOf(path: string, length: number): Promise<Uint8Array> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
