import {
  assertAnswered,
  canonicalOf,
  createHttpFiles,
  createTokens,
  type Fetcher,
  type FetchResponse,
  type HttpFilesOptions,
  keyOf,
  type OriginConfig,
  type Storage,
} from "@mediatap/core/storage";
import { fieldsOf } from "./fields.ts";
import { createLogin } from "./login.ts";

/** Where the API gives the files of each family, by the first part of their paths; the codes come between the two. */
const FAMILIES: Readonly<Record<string, string>> = {
  "media-files": "/download",
  "asset-media-files": "",
  "reference-entities-media-files": "",
};
/** A file that nobody has. */
const NOBODY = "media-files/mediatap-doctor-no-such-file";

/** The storage of an `AKENEO_PIM` origin: `media-files/<code>` and so on. Throws `ECONFIG`. */
export function createAkeneo(origin: OriginConfig, fetcher: Fetcher, settings: HttpFilesOptions): Storage {
  const fields = fieldsOf(origin);
  const { baseUrl } = fields;
  const files = createHttpFiles(fetcher, settings);
  const tokens = createTokens(createLogin(files, fields), settings.timeout);

  function targetOf(encoded: string) {
    return {
      async address(refusal: FetchResponse | undefined) {
        const headers = { authorization: `Bearer ${await tokens(refusal !== undefined)}` };
        return { url: `${baseUrl}/api/rest/v1/${encoded}`, headers, trusted: baseUrl };
      },
    };
  }

  return {
    label: baseUrl,

    async open(path, options) {
      const encoded = encodedOf(path);
      if (encoded === undefined) return undefined;
      return files.open({ ...targetOf(encoded), path, ...canonicalOf(fields, path) }, options);
    },

    async check(signal) {
      const encoded = encodedOf(NOBODY) as string;
      const response = await files.send(targetOf(encoded), { signal }, files.deadlineOf(NOBODY));
      response.cancel();
      assertAnswered(response);
    },
  };
}

/** A path as the API names it; `undefined`: it is of no family, or can be no code. */
function encodedOf(path: string): string | undefined {
  const [family = "", ...code] = path.split("/");
  if (!Object.hasOwn(FAMILIES, family) || code.length === 0) return undefined;
  if (keyOf("", path) === undefined) return undefined;
  return `${[family, ...code].map(encodeURIComponent).join("/")}${FAMILIES[family]}`;
}
