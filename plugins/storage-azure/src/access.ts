import type { StoragePipelineOptions } from "@azure/storage-blob";
import { MediaError } from "@mediatap/core";
import { createTokens, type Fetcher, type HttpAddress } from "@mediatap/core/storage";
import { loginFailureOf } from "./failures.ts";
import { containerUrl, type Fields } from "./fields.ts";
import { networkOf } from "./network.ts";

/** How blobs of a container are reached. */
export interface Access {
  /** Address of a blob, by its name as it stands in a URL; `undefined` if refused credentials cannot be renewed. */
  address(encoded: string, refresh: boolean): Promise<HttpAddress | undefined>;
  /** Azure's own client, for all but reading. */
  client(): Promise<import("@azure/storage-blob").ContainerClient>;
}

/** Something that gives tokens of Microsoft Entra ID: every credential of `@azure/identity` does. */
export interface AzureCredential {
  getToken(
    scope: string,
    options: { readonly abortSignal: AbortSignal },
  ): Promise<{ readonly token: string; readonly expiresOnTimestamp: number } | null>;
}

export interface AccessOptions {
  /** Where the origin is configured, for errors. */
  readonly where: string;
  readonly fetcher: Fetcher;
  /** Milliseconds that a login may take. */
  readonly timeout?: number | undefined;
  /** For a container without a token or key of its own. @default Azure's default credential */
  readonly credential?: AzureCredential | undefined;
  /** Finds a package. */
  readonly find?: (name: string) => unknown;
}

/** Milliseconds for which a signature by the account's key is valid. */
const SIGNATURE_LIFETIME_MS = 60 * 60_000;
const SCOPE = "https://storage.azure.com/.default";
/** Version of the protocol: headers and errors are those of this day. Tokens need one. */
const VERSION = { "x-ms-version": "2021-12-02" };
/** For writes: as many tries as reads get, but not the minutes that Azure's defaults wait. */
const retryOptions = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 };

const sdk = () => import("@azure/storage-blob");

/** Throws `ECONFIG` where only Azure's default credential is left, and its package is not installed. */
export function createAccess(fields: Fields, options: AccessOptions): Access {
  const { where, fetcher, timeout, credential, find = import.meta.resolve } = options;
  const url = containerUrl(fields);
  const { sasToken, accountKey } = fields;
  if (sasToken !== undefined) return signedAccess(url, sasToken, pipelineOf(fetcher, url));
  if (accountKey !== undefined) return keyAccess(url, fields, accountKey, pipelineOf(fetcher, url));
  if (credential !== undefined) return tokenAccess(url, async () => credential, fetcher, timeout);
  try {
    find("@azure/identity");
  } catch (cause) {
    throw new MediaError(
      "ECONFIG",
      `${where}: Expected sasToken or accountKey; for Azure's default credential run: npm install @azure/identity`,
      { cause },
    );
  }
  return tokenAccess(url, defaultCredential, fetcher, timeout);
}

function pipelineOf(
  fetcher: Fetcher,
  url: string,
  headers?: () => Promise<Readonly<Record<string, string>>>,
): StoragePipelineOptions {
  return { retryOptions, httpClient: networkOf(fetcher, url, headers) };
}

function signedAccess(url: string, sas: string, pipeline: StoragePipelineOptions): Access {
  return {
    async address(encoded, refresh) {
      return refresh ? undefined : { url: `${url}/${encoded}?${sas}`, headers: VERSION, trusted: url };
    },
    async client() {
      const { ContainerClient } = await sdk();
      return new ContainerClient(`${url}?${sas}`, undefined, pipeline);
    },
  };
}

/** With the account's key we sign permits to read the container: each is good for many requests. */
function keyAccess(
  url: string,
  { accountName, container }: Fields,
  accountKey: string,
  pipeline: StoragePipelineOptions,
): Access {
  const permits = createTokens(async () => {
    const { ContainerSASPermissions, generateBlobSASQueryParameters, StorageSharedKeyCredential } =
      await sdk();
    const expires = Date.now() + SIGNATURE_LIFETIME_MS;
    const signature = generateBlobSASQueryParameters(
      {
        containerName: container,
        permissions: ContainerSASPermissions.parse("r"),
        expiresOn: new Date(expires),
        version: VERSION["x-ms-version"],
      },
      new StorageSharedKeyCredential(accountName, accountKey),
    );
    return { text: signature.toString(), expires };
  });
  return {
    async address(encoded, refresh) {
      return refresh
        ? undefined
        : { url: `${url}/${encoded}?${await permits()}`, headers: VERSION, trusted: url };
    },
    async client() {
      const { ContainerClient, StorageSharedKeyCredential } = await sdk();
      return new ContainerClient(url, new StorageSharedKeyCredential(accountName, accountKey), pipeline);
    },
  };
}

/** Whatever the machine offers: environment, workload identity, managed identity, a developer's login. */
async function defaultCredential(): Promise<AzureCredential> {
  const { DefaultAzureCredential } = await import("@azure/identity");
  return new DefaultAzureCredential();
}

function tokenAccess(
  url: string,
  credential: () => Promise<AzureCredential>,
  fetcher: Fetcher,
  timeout: number | undefined,
): Access {
  let cachedCredential: Promise<AzureCredential> | undefined;
  const tokens = createTokens(async (abortSignal) => {
    try {
      cachedCredential ??= credential();
      const token = await (await cachedCredential).getToken(SCOPE, { abortSignal });
      if (!token) throw new Error("no token");
      return { text: token.token, expires: token.expiresOnTimestamp };
    } catch (error) {
      throw loginFailureOf(error);
    }
  }, timeout);
  const opening = async (refresh = false) => ({
    ...VERSION,
    authorization: `Bearer ${await tokens(refresh)}`,
  });
  return {
    async address(encoded, refresh) {
      return { url: `${url}/${encoded}`, headers: await opening(refresh), trusted: url };
    },
    async client() {
      const { ContainerClient } = await sdk();
      return new ContainerClient(url, undefined, pipelineOf(fetcher, url, opening));
    },
  };
}
