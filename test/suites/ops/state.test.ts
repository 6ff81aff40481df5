import assert from "node:assert/strict";
import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import { stateRedis } from "@mediatap/state-redis";
import { storageFs } from "@mediatap/storage-fs";
import { storageS3 } from "@mediatap/storage-s3";
import {
  describeWith,
  MOTO,
  makeFolder,
  makePng,
  REDIS,
  type Redis,
  readPng,
  type S3Service,
  startMoto,
  startRedis,
  startServer,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { describeWithSdks } from "../support/sdks.ts";

const KEY = "private_key_of_the_account";

const RED = [200, 0, 0, 255] as const;
const BLUE = [0, 0, 200, 255] as const;

describeWith(REDIS, "the managed state of several machines", () => {
  describeWith(MOTO, "with an S3", () => {
    describeWithSdks("changed by ImageKit's client", ({ client }) => {
      let redis: Redis;
      let s3: S3Service;
      let folder: TestFolder;
      let [one, other]: TestServer[] = [];
      const machines = () => {
        assert(one && other);
        return [one, other] as const;
      };
      const start = (more: MediatapConfig = {}) =>
        startServer(
          {
            plugins: [
              urlImagekit(),
              storageFs(),
              storageS3(),
              imageSharp(),
              cacheMemory(),
              manageImagekit(),
              stateRedis({ redis: redis.url }),
            ],
            origins: { files: { type: "FOLDER", path: "." } },
            endpoints: { default: { origins: ["files"] } },
            privateKey: KEY,
            management: { compatible: true },
            ...more,
          },
          { base: folder.path },
        );
      const account = (at: 0 | 1 = 0) => client({ privateKey: KEY, baseURL: machines()[at].url });
      const pixel = async (server: TestServer, path: string) => {
        const answer = await server.ask(path, { headers: { accept: "image/png" } });
        if (answer.status !== 200) return answer.status;
        return readPng(answer.body).at(0, 0).slice(0, 3);
      };

      before(async () => {
        [redis, s3] = await Promise.all([startRedis(), startMoto()]);
        const [red, blue] = await Promise.all(
          [RED, BLUE].map((colour) => makePng(40, 30, () => [...colour])),
        );
        assert(red && blue);
        folder = await makeFolder({ "a.png": red });
        for (const [bucket, body] of [
          ["reds", red],
          ["blues", blue],
        ] as const) {
          await fetch(`${s3.endpoint}/${bucket}`, { method: "PUT" });
          await fetch(`${s3.endpoint}/${bucket}/photo.png`, { method: "PUT", body: new Uint8Array(body) });
        }
        [one, other] = await Promise.all([start(), start()]);
      });
      after(async () => {
        await Promise.all([one?.close(), other?.close()]);
        await Promise.all([redis?.close(), s3?.close(), folder?.close()]);
      });

      const origin = (bucket: string) => ({
        name: "Shop",
        type: "S3_COMPATIBLE",
        bucket,
        endpoint: s3.endpoint,
        s3ForcePathStyle: true,
        accessKey: s3.accessKey,
        secretKey: s3.secretKey,
      });
      const endpoint = (origins: string[]) => ({ description: "The shop", origins, urlPrefix: "shop" });
      const PICTURE = "/shop/tr:w-10,f-png/photo.png";

      it("is the same on all of them, while clients go on", async () => {
        let isDone = false;
        const seen = new Set<unknown>();
        const clients = machines().map(async (server) => {
          while (!isDone) seen.add((await server.ask("/tr:w-20,f-png/a.png")).status);
        });
        try {
          const [first, second] = machines();
          const { accounts } = account();
          const shop = await accounts.origins.create(origin("reds"));
          assert.deepEqual([shop.id, shop.type, shop.secretKey], ["Shop", "S3_COMPATIBLE", undefined]);
          const made = await accounts.urlEndpoints.create(endpoint([shop.id]));
          assert.equal(made.id, "shop");
          // Where it was changed, at once; elsewhere, soon.
          assert.deepEqual(await pixel(first, PICTURE), [200, 0, 0]);
          await until(async () => (await pixel(second, PICTURE)) !== 404, "the other machine serves it");
          assert.deepEqual(await pixel(second, PICTURE), [200, 0, 0]);

          await account(1).accounts.origins.update(shop.id, origin("blues"));
          assert.deepEqual(await pixel(second, PICTURE), [0, 0, 200]);
          const isBlue = async () => String(await pixel(first, PICTURE)) === "0,0,200";
          await until(isBlue, "the first machine serves the change");

          const { revisions } = JSON.parse(
            (await first.ask("/-/api/v1/state/revisions", { headers: authorization })).text,
          );
          assert.deepEqual(
            revisions.map(({ comment }: { comment: string }) => comment),
            ["change the origin Shop", "create the URL endpoint shop", "create the origin Shop"],
          );
          const body = JSON.stringify({ revision: revisions[1].number });
          const rollback = { method: "POST", headers: authorization, body };
          assert.equal((await first.ask("/-/api/v1/state/rollback", rollback)).status, 200);
          assert.deepEqual(await pixel(first, PICTURE), [200, 0, 0]);
          await until(async () => String(await pixel(second, PICTURE)) === "200,0,0", "it is rolled back");
        } finally {
          isDone = true;
          await Promise.all(clients);
        }
        assert.deepEqual([...seen], [200]);
      });

      it("has all calls of the client", async () => {
        const { accounts, namedTransformations } = account();
        assert.deepEqual(
          (await accounts.origins.list()).map(({ id }) => id),
          ["files", "Shop"],
        );
        assert.equal((await accounts.origins.get("Shop")).bucket, "reds");
        assert.deepEqual(
          (await accounts.urlEndpoints.list()).map(({ id }) => id),
          ["default", "shop"],
        );
        const changed = await accounts.urlEndpoints.update("shop", endpoint(["files", "Shop"]));
        assert.deepEqual(changed, await accounts.urlEndpoints.get("shop"));
        const status = { status: 409 };
        await assert.rejects(async () => await accounts.origins.delete("Shop"), status);
        const named = await namedTransformations.create({ name: "thumb", transformation: "w-10,f-png" });
        assert.deepEqual(await pixel(machines()[0], "/shop/tr:n-thumb/photo.png"), [200, 0, 0]);
        await namedTransformations.update(named.id, { enabled: false });
        assert.equal(await pixel(machines()[0], "/shop/tr:n-thumb/photo.png"), 400);
        assert.deepEqual(await namedTransformations.list(), [await namedTransformations.get(named.id)]);
        const wrong = namedTransformations.update(named.id, { enabled: true, transformation: "w-0.5.5" });
        await assert.rejects(async () => await wrong, {
          status: 400,
          message: /namedTransformations\.thumb/,
        });
        await namedTransformations.delete(named.id);
        await accounts.urlEndpoints.delete("shop");
        await accounts.origins.delete("Shop");
        const missing = accounts.origins.get("Shop");
        await assert.rejects(async () => await missing, { status: 404 });
      });

      it("keeps the changes of all who change it at once", async () => {
        const names = Array.from({ length: 8 }, (_, at) => `origin-${at}`);
        const proxy = (name: string) => ({
          name,
          type: "S3",
          bucket: "any",
          useIAMRole: true,
          accessKey: "",
          secretKey: "",
        });
        await Promise.all(
          names.map((name, at) => account((at % 2) as 0 | 1).accounts.origins.create(proxy(name))),
        );
        for (const at of [0, 1] as const) {
          const all = async () => (await account(at).accounts.origins.list()).map(({ id }) => id);
          await until(async () => (await all()).length === names.length + 1, "all origins are there");
          assert.deepEqual((await all()).toSorted(), ["files", ...names]);
        }
        for (const name of names) await account().accounts.origins.delete(name);
      });

      it("accepts an origin that cannot be reached", async () => {
        const { accounts } = account();
        const away = { ...origin("reds"), name: "away", endpoint: "http://127.0.0.1:1" };
        const { id } = await accounts.origins.create(away);
        await accounts.urlEndpoints.create(endpoint([id]));
        assert.equal(await pixel(machines()[0], PICTURE), 404);
        assert.deepEqual(await pixel(machines()[0], "/tr:w-10,f-png/a.png"), [200, 0, 0]);
        await accounts.urlEndpoints.delete("shop");
        await accounts.origins.delete(id);
      });

      it("refuses changes while Redis is away, and serves on", async () => {
        const server = machines()[0];
        redis.signal("SIGSTOP");
        const body = JSON.stringify(endpoint(["files"]));
        const post = { method: "POST", headers: authorization, body };
        try {
          const refused = await server.ask("/v1/accounts/url-endpoints", post);
          assert.deepEqual(
            [refused.status, JSON.parse(refused.text).message],
            [503, "The state cannot be reached"],
          );
          assert.deepEqual(await pixel(server, "/tr:w-10,f-png/a.png"), [200, 0, 0]);
        } finally {
          redis.signal("SIGCONT");
        }
        await until(
          async () => (await server.ask("/v1/accounts/url-endpoints", post)).status === 201,
          "it can be changed again",
        );
      });
    });
  });
});

const authorization = { authorization: `Basic ${Buffer.from(`${KEY}:`).toString("base64")}` };
