import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { DEFAULT_LIMITS } from "@mediatap/core";
import { createFetcher, NOT_MODIFIED, type Storage } from "@mediatap/core/storage";
import { freePort, passTime, resetTime, stopTime } from "@mediatap/test";
import { createAccess } from "../src/access.ts";
import type { AzureCredential } from "../src/index.ts";
import { ACCOUNT, KEY, sasOf, withAzurite } from "./azurite.ts";
import { openPlace, type Place } from "./places.ts";

withAzurite(() => {
  describe("the credentials of a container", () => {
    let place: Place;
    before(async () => {
      place = await openPlace();
    });
    beforeEach(async () => {
      await place.renew();
      await place.container.getBlockBlobClient("a.txt").uploadData(Buffer.from("bytes"));
    });
    after(() => place?.close());

    const signal = new AbortController().signal;
    const open = (storage: Storage, path = "a.txt") => storage.open(path, { signal, head: true });
    async function isFound(storage: Storage): Promise<void> {
      const entry = await open(storage);
      assert(entry && entry !== NOT_MODIFIED);
      assert.equal(entry.size, 5);
    }
    const sas = (options: Parameters<typeof sasOf>[1] = {}) => sasOf(place.container.containerName, options);
    const denied = { code: "EACCES", outage: false };
    const withKey = { sasToken: undefined, accountKey: KEY };
    const withNeither = { sasToken: undefined };

    it("are a SAS token, with or without its question mark", async () => {
      await isFound(place.storage({ sasToken: sas({ permissions: "r" }) }));
      await isFound(place.storage({ sasToken: sas({ permissions: "r" }).slice(1) }));
    });

    it("that may only read find out what is missing, and may not list", async () => {
      const storage = place.storage({ sasToken: sas({ permissions: "r" }) });
      assert.equal(await open(storage, "missing.txt"), undefined);
      await storage.check?.(signal);
      await assert.rejects(async () => storage.list?.("")[Symbol.asyncIterator]().next(), denied);
      await assert.rejects(async () => storage.write?.("b.txt", Buffer.from("b"), {}), denied);
      await assert.rejects(async () => storage.remove?.("a.txt"), denied);
    });

    it("may be the account's key, which signs once for many requests", async () => {
      const storage = place.storage(withKey);
      await Promise.all(Array.from({ length: 20 }, () => isFound(storage)));
      const signatures = new Set(place.front.requests.map(({ url }) => url?.split("?")[1]));
      assert.equal(signatures.size, 1);
      for (const { url = "", headers } of place.front.requests) {
        assert(!decodeURIComponent(url).includes(KEY));
        assert.equal(headers.authorization, undefined);
        assert.equal(new URLSearchParams(url.split("?")[1]).get("sp"), "r");
      }
    });

    for (const [what, fields, words] of [
      [
        "another key",
        () => ({ ...withKey, accountKey: Buffer.alloc(64).toString("base64") }),
        /its account key is wrong/,
      ],
      [
        "a SAS token that ended",
        () => ({ sasToken: sas({ expires: Date.now() - 60_000 }) }),
        /ended on \d{4}-/,
      ],
      [
        "a SAS token that may not read",
        () => ({ sasToken: sas({ permissions: "w" }) }),
        /does not allow to read/,
      ],
      ["a SAS token of another container", () => ({ sasToken: sasOf("another") }), /its SAS token is wrong/],
      [
        "a SAS token that was tampered with",
        () => ({ sasToken: sas().replace(/se=\d{4}/, "se=2999") }),
        /its SAS token is wrong/,
      ],
    ] as const) {
      it(`are denied for ${what}; the check says what is wrong`, async () => {
        const storage = place.storage(fields());
        for (const head of [true, false]) {
          await assert.rejects(async () => storage.open("a.txt", { signal, head }), denied);
        }
        assert.equal(place.front.requests.length, 2, "nothing is renewed");
        await assert.rejects(
          async () => storage.check?.(signal),
          (error: Error & { code?: string }) => {
            assert.equal(error.code, "EACCES");
            assert.match((error.cause as Error).message, words);
            return true;
          },
        );
        await assert.rejects(async () => storage.list?.("")[Symbol.asyncIterator]().next(), denied);
      });
    }

    it("that Azure refuses for other reasons are explained by the check", async () => {
      const getToken = async () => ({ token: "t", expiresOnTimestamp: Date.now() + 3_600_000 });
      for (const [status, word, fields, words] of [
        [403, "AuthenticationFailed", {}, /^its SAS token is wrong \(AuthenticationFailed\)$/],
        [403, "AuthenticationFailed", withKey, /^its account key is wrong/],
        [401, "InvalidAuthenticationInfo", withNeither, /^its identity's token is wrong/],
        [403, "KeyBasedAuthenticationNotPermitted", withKey, /^the account allows no keys/],
        [403, "AuthorizationPermissionMismatch", withNeither, /needs the role Storage Blob Data Reader/],
        [403, "AuthorizationFailure", withNeither, /network rules keep this server out/],
        [409, "AccountBeingCreated", {}, /^AccountBeingCreated$/],
      ] as const) {
        place.front.fault = (_, response) => {
          response.writeHead(status, { "x-ms-error-code": word }).end();
          return true;
        };
        const storage = place.storage(fields, { credential: { getToken } });
        await assert.rejects(
          async () => storage.check?.(signal),
          (error: Error) => {
            assert.match((error.cause as Error).message, words);
            return true;
          },
        );
      }
    });

    it("of a container that does not exist are no miss", async () => {
      for (const credentials of [withKey, { sasToken: sasOf("nothing-here", { permissions: "rwdl" }) }]) {
        const storage = place.storage({ container: "nothing-here", ...credentials });
        for (const head of [true, false]) {
          await assert.rejects(async () => storage.open("a.txt", { signal, head }), denied);
        }
        await assert.rejects(async () => storage.check?.(signal), {
          code: "EACCES",
          message: "The account devstoreaccount1 has no container nothing-here",
        });
        await assert.rejects(async () => storage.write?.("a.txt", Buffer.from("a"), {}), denied);
        await assert.rejects(async () => storage.list?.("")[Symbol.asyncIterator]().next(), denied);
      }
    });

    it("do not show in what a failure says, its causes included", async () => {
      const nowhere = `http://127.0.0.1:${await freePort()}`;
      for (const fields of [
        { sasToken: sas({ expires: Date.now() - 60_000 }) },
        { sasToken: sas({ permissions: "w" }) },
        { endpoint: nowhere },
        { ...withKey, endpoint: nowhere },
      ]) {
        const storage = place.storage(fields);
        for (const ask of [
          () => open(storage),
          async () => storage.check?.(signal),
          async () => storage.list?.("")[Symbol.asyncIterator]().next(),
          async () =>
            storage.write?.("b.txt", Buffer.from("b"), {}).then(() => Promise.reject(new Error("w"))),
        ]) {
          const error = await ask().then(
            () => assert.fail("it fails"),
            (failure: unknown) => failure,
          );
          assert.doesNotMatch(
            inspect(error, { depth: 10, showHidden: true }),
            /sig=(?!REDACTED|\*)|AccountKey/i,
          );
          assert(!inspect(error, { depth: 10, showHidden: true }).includes(KEY));
        }
        assert.doesNotMatch(storage.label ?? "", /sig|devstore/);
      }
    });

    describe("that are the server's identity", () => {
      /** Gives tokens that the front knows. */
      function credential(lifetime = 3_600_000) {
        const said = { asked: 0, scopes: new Set<string>() };
        const given: AzureCredential = {
          async getToken(scope) {
            said.scopes.add(scope);
            const token = `token-${++said.asked}`;
            place.front.tokens.set(token, sas({ permissions: "rwdl" }));
            return { token, expiresOnTimestamp: Date.now() + lifetime };
          },
        };
        return { said, credential: given };
      }
      afterEach(resetTime);

      it("are asked once, however many requests wait", async () => {
        const { said, ...settings } = credential();
        const storage = place.storage(withNeither, settings);
        await Promise.all(Array.from({ length: 30 }, () => isFound(storage)));
        assert.equal(said.asked, 1);
        assert.deepEqual([...said.scopes], ["https://storage.azure.com/.default"]);
        await storage.write?.("b.txt", Buffer.from("b"), {});
        await storage.remove?.("b.txt");
        const names = [];
        for await (const name of storage.list?.("") ?? []) names.push(name);
        assert.deepEqual(names, ["a.txt"]);
        assert.equal(said.asked, 1);
      });

      it("are asked again before a token ends, and once where one is refused before", async () => {
        const short = credential(30_000);
        const storage = place.storage(withNeither, { credential: short.credential });
        await isFound(storage);
        stopTime();
        passTime(1_100);
        await isFound(storage);
        assert.equal(short.said.asked, 2);

        const long = credential();
        const other = place.storage(withNeither, { credential: long.credential });
        await isFound(other);
        passTime(1_100);
        place.front.tokens.clear();
        await Promise.all(Array.from({ length: 20 }, () => isFound(other)));
        assert.equal(long.said.asked, 2);
      });

      it("that are refused again are not asked a third time", async () => {
        const { said, ...settings } = credential();
        place.front.fault = (_, response) => {
          response.writeHead(401).end();
          return true;
        };
        await assert.rejects(open(place.storage(withNeither, settings)), denied);
        assert(said.asked <= 2);
        assert.equal(place.front.requests.length, 2);
      });

      it("fail in words that name no secret, an outage only where nobody was reached", async () => {
        const network = Object.assign(new Error("x"), { cause: { errorCode: "network_error" } });
        for (const [error, expected] of [
          [new Error("secret-words"), denied],
          [Object.assign(new Error("secret-words"), { statusCode: 401 }), denied],
          [
            Object.assign(new Error("secret-words"), { statusCode: 503 }),
            { code: "UNIDENTIFIED", outage: true },
          ],
          [
            Object.assign(new Error("secret-words"), { errors: [network] }),
            { code: "ECONNREFUSED", outage: true },
          ],
        ] as const) {
          const failing: AzureCredential = { getToken: () => Promise.reject(error) };
          const storage = place.storage(withNeither, { credential: failing });
          await assert.rejects(open(storage), (found: Error) => {
            assert.doesNotMatch(found.message, /secret-words/);
            const { code, outage } = found as Error & { code?: string; outage?: boolean };
            assert.deepEqual({ code, outage }, expected);
            return true;
          });
          await assert.rejects(async () => storage.write?.("b.txt", Buffer.from("b"), {}), expected);
        }
      });

      it("that take too long are given up, although they do not listen", async () => {
        const hanging: AzureCredential = { getToken: () => new Promise(() => undefined) };
        const storage = place.storage(withNeither, {
          credential: hanging,
          timeout: 100,
          videoTimeout: 60_000,
        });
        await assert.rejects(open(storage, "a.mp4"), { code: "ECONNREFUSED", outage: true });
        await assert.rejects(async () => storage.write?.("b.txt", Buffer.from("b"), {}), {
          code: "ECONNREFUSED",
        });
      });

      it("are the machine's where nothing else is configured", async () => {
        const names = ["IDENTITY_ENDPOINT", "IDENTITY_HEADER", "AZURE_TOKEN_CREDENTIALS"] as const;
        const before = names.map((name) => [name, process.env[name]] as const);
        const asked: string[] = [];
        // The token endpoint of App Service, version 2019-08-01.
        const endpoint = createServer((request, response) => {
          asked.push(`${request.url} ${request.headers["x-identity-header"]}`);
          place.front.tokens.set("machine", sas());
          response.writeHead(200, { "content-type": "application/json" }).end(
            JSON.stringify({
              access_token: "machine",
              expires_on: String(Math.floor(Date.now() / 1000) + 3600),
              resource: "https://storage.azure.com",
              token_type: "Bearer",
              client_id: "c",
            }),
          );
        }).listen(0, "127.0.0.1");
        try {
          await new Promise((resolve) => endpoint.once("listening", resolve));
          const { port } = endpoint.address() as AddressInfo;
          process.env.IDENTITY_ENDPOINT = `http://127.0.0.1:${port}/msi/token`;
          process.env.IDENTITY_HEADER = "header";
          process.env.AZURE_TOKEN_CREDENTIALS = "prod";
          await isFound(place.storage(withNeither));
          assert.equal(asked.length, 1);
          assert.match(asked[0] ?? "", /resource=https%3A%2F%2Fstorage\.azure\.com.* header$/i);
        } finally {
          endpoint.close();
          for (const [name, value] of before) {
            if (value === undefined) delete process.env[name];
            else process.env[name] = value;
          }
        }
      });

      it("need a package that the server says to install", () => {
        const fetcher = createFetcher({ limits: DEFAULT_LIMITS });
        const fields = {
          accountName: ACCOUNT,
          container: "photos",
          prefix: "",
          includeCanonicalHeader: false,
        };
        const find = () => {
          throw new Error("not found");
        };
        assert.throws(() => createAccess(fields, { where: "origins.archive", fetcher, find }), {
          code: "ECONFIG",
          message: /^origins\.archive: Expected sasToken or accountKey; .* npm install @azure\/identity$/,
        });
      });
    });

    for (const [fields, message] of [
      [{ accountName: undefined }, /origins\.archive\.accountName/],
      [{ accountName: "https://x.example" }, /accountName: Expected 3 to 63/],
      [{ container: "Photos" }, /container: Expected the name of a container/],
      [{ container: "a/../b" }, /container: Expected/],
      [{ sasToken: "?sv=1&sp=secret" }, /sasToken: Expected a SAS token with a signature/],
      [{ sasToken: "?sig=secret#x" }, /sasToken: Expected/],
      [{ accountKey: "sec ret" }, /accountKey: Expected an account key in base64/],
      [{ sasToken: "?sig=secret", accountKey: "c2VjcmV0" }, /Expected sasToken or accountKey, not both/],
      [{ endpoint: "ftp://x" }, /endpoint: Expected an http or https URL/],
      [{ endpoint: "https://x.example/?sig=secret" }, /endpoint: Expected/],
      [{ prefix: "a/../b" }, /prefix: Expected/],
      [{ sastoken: "secret" }, /did you mean "sasToken"/],
    ] as const) {
      it(`cannot be configured as ${JSON.stringify(fields)}`, () => {
        assert.throws(
          () => place.storage(fields),
          (error: Error & { code?: string }) => {
            assert.equal(error.code, "ECONFIG");
            assert.match(error.message, message);
            assert.doesNotMatch(error.message, /secret|c2VjcmV0/);
            return true;
          },
        );
      });
    }
  });
});
