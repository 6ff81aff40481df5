import assert from "node:assert/strict";
import { ask, describeWith, MOTO, REDIS, startOrigin, until, type WebOrigin } from "@mediatap/test";
import { pixelsOf, plainPicture } from "../serve.ts";
import { type Cluster, KEY, type Machine, NGINX, startCluster } from "./machines.ts";

/** Pictures at the origin, each of another red. */
const PICTURES = 8;
const redOf = (at: number) => 20 + at * 25;

describeWith(REDIS, "example: a cluster", () => {
  describeWith(MOTO, "with a bucket", () => {
    describeWith(NGINX, "behind nginx", () => {
      let origin: WebOrigin;
      let cluster: Cluster;
      /** No two tests ask for the same. */
      let width = 40;
      let originals = 0;
      before(async () => {
        origin = await startOrigin();
        for (let at = 0; at < PICTURES; at++) {
          origin.files.set(`${at}.png`, { bytes: await plainPicture(400, 300, `rgb(${redOf(at)},0,0)`) });
        }
        cluster = await startCluster(origin);
        // What a process does for the first time takes it a while, and it hears nobody meanwhile.
        await Promise.all(cluster.machines.map(({ port }) => assertRight(port, 0, 30)));
      });
      after(async () => {
        await cluster?.close();
        await origin?.close();
      });

      const fileOf = (picture: number | string) => (typeof picture === "string" ? picture : `${picture}.png`);
      const urlOf = (picture: number | string, wide: number) => `/tr:w-${wide},f-png/${fileOf(picture)}`;

      /** Asks, and looks at the picture that comes. */
      async function assertRight(
        port: number,
        picture: number | string,
        wide: number,
        red = redOf(typeof picture === "number" ? picture : 7),
      ): Promise<void> {
        const { status, body, text } = await ask(port, urlOf(picture, wide));
        assert.equal(status, 200, text.slice(0, 200));
        const seen = await pixelsOf(body);
        assert.equal(seen.width, wide);
        assert.deepEqual(seen.at(5, 5), [red, 0, 0]);
      }

      /** Clients that go on asking until they are stopped; all their answers are looked at. */
      function load(clients = 6) {
        let isOn = true;
        let count = 0;
        const failures: unknown[] = [];
        const ended = Promise.all(
          Array.from({ length: clients }, async (_, client) => {
            for (let turn = 0; isOn; turn++) {
              // Half of it is new each time, the other half is in a cache.
              const wide = turn % 2 ? 20 + (turn % 10) : 100 + ((client * 37 + turn) % 250);
              await assertRight(cluster.port, (client + turn) % PICTURES, wide).catch((error) =>
                failures.push(error),
              );
              count++;
            }
          }),
        );
        return {
          count: () => count,
          async stop() {
            isOn = false;
            await ended;
            return failures;
          },
        };
      }

      /** Asks nginx, so that any of them may take it. */
      async function purge(source: string): Promise<void> {
        const authorization = `Basic ${Buffer.from(`${KEY}:`).toString("base64")}`;
        const headers = { authorization, "content-type": "application/json" };
        const body = JSON.stringify({ source });
        const { status } = await ask(cluster.port, "/-/api/v1/files/purge", {
          method: "POST",
          headers,
          body,
        });
        assert.equal(status, 201);
      }

      async function isOnce(): Promise<boolean> {
        const before = await cluster.transforms();
        const wide = width++;
        await Promise.all(
          cluster.machines.flatMap(({ port }) => [1, 2, 3].map(() => assertRight(port, 0, wide))),
        );
        return (await cluster.transforms()) === before + 1;
      }

      /** An original that nobody has asked for yet: a machine that waits too long for Redis works for itself. */
      async function original(): Promise<string> {
        const name = `original-${originals++}.png`;
        origin.files.set(name, { bytes: await plainPicture(400, 300, `rgb(${redOf(7)},0,0)`) });
        return name;
      }

      it("downloads once and makes once what many clients ask of all machines at once", async () => {
        await until(async () => {
          const file = await original();
          const before = await cluster.transforms();
          const wide = width++;
          const through = Array.from({ length: 30 }, () => assertRight(cluster.port, file, wide));
          const each = cluster.machines.flatMap(({ port }) =>
            [1, 2, 3, 4].map(() => assertRight(port, file, wide)),
          );
          await Promise.all([...through, ...each]);
          // The others have it from the cache that they have in common.
          for (const { port } of cluster.machines) {
            assert.match((await ask(port, urlOf(file, wide))).headers["cache-status"] ?? "", /; hit/);
          }
          return origin.count(file) === 1 && (await cluster.transforms()) === before + 1;
        }, "all of it is done once");
      });

      it("downloads an original once, however many sizes are asked for at once", async () => {
        await until(async () => {
          const file = await original();
          const wide = width;
          width += 12;
          await Promise.all(
            Array.from({ length: 12 }, (_, at) =>
              assertRight(cluster.machines[at % 3]?.port ?? 0, file, wide + at),
            ),
          );
          return origin.count(file) === 1;
        }, "it is downloaded once");
      });

      it("forgets on all machines what is purged on one of them", async () => {
        const wide = width++;
        await Promise.all(cluster.machines.map(({ port }) => assertRight(port, 5, wide)));
        origin.files.set("5.png", { bytes: await plainPicture(400, 300, "rgb(255,0,0)") });
        for (const { port } of cluster.machines) await assertRight(port, 5, wide, redOf(5));
        await purge("5.png");
        for (const { port } of cluster.machines) {
          const isNew = () =>
            assertRight(port, 5, wide, 255).then(
              () => true,
              () => false,
            );
          await until(isNew, "it is the new one");
          assert(await isNew(), "and stays so");
        }
        origin.files.set("5.png", { bytes: await plainPicture(400, 300, `rgb(${redOf(5)},0,0)`) });
        await purge("5.png");
        const isBack = ({ port }: Machine) =>
          assertRight(port, 5, wide).then(
            () => true,
            () => false,
          );
        for (const machine of cluster.machines) await until(() => isBack(machine), "it is the old one again");
      });

      it("loses no request and gives no wrong answer when a machine is killed, and when it is back", async () => {
        const clients = load();
        for (const machine of cluster.machines.slice(0, 2)) {
          const before = clients.count();
          await until(() => clients.count() > before + 50, "there is load");
          await machine.kill();
          const without = clients.count();
          await until(() => clients.count() > without + 50, "the others go on");
          await machine.start();
          const again = await machine.metric("mediatap_requests_total");
          await until(
            async () => (await machine.metric("mediatap_requests_total")) > again + 5,
            "it is used again",
          );
        }
        assert.deepEqual(await clients.stop(), []);
        await until(isOnce, "they share their work");
      });

      it("goes on without Redis, and shares its work again when it is back", async () => {
        const clients = load();
        for (let round = 0; round < 2; round++) {
          await cluster.stopRedis();
          const without = clients.count();
          await until(() => clients.count() > without + 50, "it goes on");
          await cluster.startRedis();
          const since = clients.count();
          await until(() => clients.count() > since + 20, "it goes on");
        }
        cluster.redis().signal("SIGSTOP");
        const hanging = clients.count();
        await until(() => clients.count() > hanging + 50, "it goes on");
        cluster.redis().signal("SIGCONT");
        assert.deepEqual(await clients.stop(), []);
        await until(isOnce, "they share their work again");
      });

      it("gives no wrong answer, whatever lies under its keys in Redis", async () => {
        let wide = width;
        const redis = cluster.redis();
        await purge("other.png");
        let names: string[] = [];
        // A cache that has just seen Redis fail keeps nothing there for a moment.
        await until(async () => {
          wide = width++;
          for (let at = 0; at < PICTURES; at++) await assertRight(cluster.port, at, wide);
          names = (await redis.command("keys", "mediatap:*")).split("\n");
          return ["rendition", "bus"].every((part) => names.some((name) => name.includes(part)));
        }, "all kinds of keys are there");
        const clients = load(4);
        // Values of each other, of no kind, of another type, none at all.
        const renditions = names.filter((name) => name.includes("rendition"));
        for (const [at, name] of renditions.entries()) {
          const other = renditions[(at + 1) % renditions.length] ?? name;
          if (at % 4 === 0) await redis.command("copy", other, name, "replace");
          else if (at % 4 === 1) await redis.command("set", name, "garbage");
          else if (at % 4 === 2) await redis.command("setrange", name, "300", "garbage");
          else await redis.command("del", name);
        }
        for (const name of names.filter((name) => !name.includes("rendition"))) {
          await redis.command("del", name);
          await redis.command("lpush", name, "garbage");
        }
        const since = clients.count();
        await until(() => clients.count() > since + 50, "there is load");
        assert.deepEqual(await clients.stop(), []);
        for (const { port } of cluster.machines) {
          for (let at = 0; at < PICTURES; at++) await assertRight(port, at, wide);
        }
        await until(isOnce, "they share their work");
      });
    });
  });
});
