import type { TokenCredential } from "@azure/identity";
import type { StoragePipelineOptions } from "@azure/storage-blob";
import { createTokens, type Fetcher, type HttpAddress, MediaError } from "@mediatap/core";
import { loginFailureOf } from "./failures.ts";
import { containerUrl, type Fields } from "./fields.ts";
import { networkOf } from "./network.ts";

/** How blobs of a container are reached. */
export interface Access {
  /** Address of a blob, by its name as it stands in a URL; `undefined` if refused credentials cannot be renewed. */
  address(encoded: string, renew: boolean): Promise<HttpAddress | undefined>;
  /** Azure's own client, for all but reading. */
  client(): Promise<import("@azure/storage-blob").ContainerClient>;
}

export interface AccessOptions {
  /** Where the origin is configured, for errors. */
  readonly where: string;
  readonly fetcher: Fetcher;
  /** Milliseconds that a login may take. */
  readonly timeout?: number | undefined;
  /** Finds a package. */
  readonly find?: (name: string) => unknown;
}

/** Milliseconds that a signature made with the account's key holds. */
const LIFETIME = 60 * 60_000;
const SCOPE = "https://storage.azure.com/.default";
/** Version of the protocol: headers and errors are those of this day. Tokens need one. */
const VERSION = { "x-ms-version": "2021-12-02" };
/** For writes: as many tries as reads get, but not the minutes that Azure's defaults wait. */
const retryOptions = { maxTries: 3, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 };

const sdk = () => import("@azure/storage-blob");

/** Throws `ECONFIG` where only Azure's default credential is left, and its package is not installed. */
export function createAccess(fields: Fields, options: AccessOptions): Access {
  const { where, fetcher, timeout, find = import.meta.resolve } = options;
  const url = containerUrl(fields);
  const pipeline = { retryOptions, httpClient: networkOf(fetcher, url) };
  if (fields.sasToken !== undefined) return signedAccess(url, fields.sasToken, pipeline);
  if (fields.accountKey !== undefined) return keyAccess(url, fields, fields.accountKey, pipeline);
  try {
    find("@azure/identity");
  } catch (cause) {
    throw new MediaError(
      "ECONFIG",
      `${where}: Expected sasToken or accountKey; for Azure's default credential run: npm install @azure/identity`,
      { cause },
    );
  }
  return defaultAccess(url, timeout, pipeline);
}

function signedAccess(url: string, sas: string, pipeline: StoragePipelineOptions): Access {
  return {
    async address(encoded, renew) {
      return renew ? undefined : { url: `${url}/${encoded}?${sas}`, headers: VERSION };
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
    const expires = Date.now() + LIFETIME;
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
    async address(encoded, renew) {
      return renew ? undefined : { url: `${url}/${encoded}?${await permits()}`, headers: VERSION };
    },
    async client() {
      const { ContainerClient, StorageSharedKeyCredential } = await sdk();
      return new ContainerClient(url, new StorageSharedKeyCredential(accountName, accountKey), pipeline);
    },
  };
}

/** Whatever the machine offers: environment, workload identity, managed identity, a developer's login. */
function defaultAccess(url: string, timeout: number | undefined, pipeline: StoragePipelineOptions): Access {
  let found: Promise<TokenCredential> | undefined;
  const credential = () => {
    found ??= import("@azure/identity").then(({ DefaultAzureCredential }) => new DefaultAzureCredential());
    return found;
  };
  const tokens = createTokens(async (abortSignal) => {
    try {
      const token = await (await credential()).getToken(SCOPE, { abortSignal });
      if (!token) throw new Error("no token");
      return { text: token.token, expires: token.expiresOnTimestamp };
    } catch (error) {
      throw loginFailureOf(error);
    }
  }, timeout);
  return {
    async address(encoded, renew) {
      const authorization = `Bearer ${await tokens(renew)}`;
      return { url: `${url}/${encoded}`, headers: { ...VERSION, authorization } };
    },
    async client() {
      const { ContainerClient } = await sdk();
      return new ContainerClient(url, await credential(), pipeline);
    },
  };
}
