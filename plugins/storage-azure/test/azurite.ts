import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import {
  BlobServiceClient,
  type ContainerClient,
  ContainerSASPermissions,
  generateBlobSASQueryParameters,
  StorageSharedKeyCredential,
} from "@azure/storage-blob";

const PROGRAM = join(
  import.meta.dirname,
  "../../../test/services/node_modules/azurite/dist/src/blob/main.js",
);

/** The account that every Azurite has; its key is no secret. */
export const ACCOUNT = "devstoreaccount1";
export const KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

/** An Azure Blob Storage. */
export interface Azurite {
  readonly url: string;
  /** A new container. */
  container(): Promise<ContainerClient>;
  /** Ends it. Only after SIGTERM all is in its folder. @default "SIGKILL": at once */
  close(signal?: "SIGTERM"): Promise<void>;
}

export interface AzuriteOptions {
  /** Where it keeps everything. @default nowhere: it forgets all when it ends */
  readonly folder?: string;
  /** @default any that is free */
  readonly port?: number;
}

/** Calls `tests` where Azurite is installed; else says what is missing, which fails in CI. */
export function withAzurite(tests: () => void): void {
  if (existsSync(PROGRAM)) {
    tests();
    return;
  }
  console.log("Skipping Azure Blob Storage: run `npm ci` in test/services to test it.");
  describe("an Azure Blob Storage", () => {
    it("is installed", function () {
      if (process.env.CI === "true") throw new Error("Azurite is missing: run `npm ci` in test/services");
      this.skip();
    });
  });
}

export async function startAzurite({ folder, port = 0 }: AzuriteOptions = {}): Promise<Azurite> {
  const place = folder === undefined ? ["--inMemoryPersistence"] : ["--location", folder];
  const options = ["--blobHost", "127.0.0.1", "--blobPort", String(port), ...place];
  const azurite = spawn(
    process.execPath,
    [PROGRAM, ...options, "--skipApiVersionCheck", "--disableTelemetry"],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  // A test run that is ended takes it along.
  const kill = () => azurite.kill("SIGKILL");
  process.once("exit", kill);
  const url = `${await addressOf(azurite)}/${ACCOUNT}`;
  const service = new BlobServiceClient(url, new StorageSharedKeyCredential(ACCOUNT, KEY));
  return {
    url,
    async container() {
      const { containerClient } = await service.createContainer(`c${randomUUID()}`);
      return containerClient;
    },
    async close(signal) {
      process.off("exit", kill);
      const ended = once(azurite, "exit");
      azurite.kill(signal ?? "SIGKILL");
      await ended;
    },
  };
}

async function addressOf(azurite: ChildProcess): Promise<string> {
  if (!azurite.stdout) throw new Error("no output");
  const lines = createInterface({ input: azurite.stdout });
  for await (const line of lines) {
    const found = /listens on (http:\S+)/.exec(line)?.[1];
    if (found === undefined) continue;
    azurite.stdout.resume();
    return found;
  }
  throw new Error("Azurite did not start");
}

/** A shared access signature for a container, from its `?`. */
export function sasOf(
  container: string,
  { permissions = "rl", expires = Date.now() + 3_600_000 } = {},
): string {
  const values = {
    containerName: container,
    permissions: ContainerSASPermissions.parse(permissions),
    startsOn: new Date(expires - 7_200_000),
    expiresOn: new Date(expires),
  };
  return `?${generateBlobSASQueryParameters(values, new StorageSharedKeyCredential(ACCOUNT, KEY))}`;
}
