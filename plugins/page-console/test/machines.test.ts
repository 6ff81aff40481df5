import assert from "node:assert/strict";
import type { Records } from "@mediatap/core/state";
import { stateRedis } from "@mediatap/state-redis";
import { describeWith, passTime, REDIS, type Redis, resetTime, startRedis, until } from "@mediatap/test";
import { createMachines } from "../src/machines.ts";
import type { Minute } from "../src/tally.ts";
import { type Client, type Console, KEY, signIn, startConsole } from "./support.ts";

interface History {
  readonly series: readonly {
    readonly requests: number;
    readonly hits: number;
    readonly p50: number | null;
  }[];
}

describeWith(REDIS, "page-console: several machines that share their state", () => {
  let redis: Redis;
  let first: Console;
  let second: Console;
  let clients: readonly Client[];
  before(async () => {
    redis = await startRedis();
    const machine = () =>
      startConsole({}, { plugins: [stateRedis({ redis: redis.url, timeout: 1000 })], tenants: {} });
    [first, second] = await Promise.all([machine(), machine()]);
    clients = await Promise.all([first, second].map(({ server }) => signIn(server, KEY)));
  });
  after(async () => {
    resetTime();
    await Promise.all([first?.close(), second?.close()]);
    await redis?.close();
  });

  const json = async (by: Client, path: string) => JSON.parse((await by.ask(`/-/console/data/${path}`)).text);
  const requestsOf = async (by: Client) =>
    ((await json(by, "history")) as History).series.reduce((sum, { requests }) => sum + requests, 0);

  it("list each other, with what goes on in each", async () => {
    for (let i = 0; i < 3; i++) await second.server.ask("/tr:w-20/a.png");
    for (const [at, by] of clients.entries()) {
      const isThere = ({ machines }: { machines: { requests: number }[] }) =>
        machines.length === 2 && machines.some(({ requests }) => requests === 3);
      await until(async () => isThere(await json(by, "live")), "the other one is there");
      const { machines } = await json(by, "live");
      assert.deepEqual(
        machines.map(({ isThis, isSilent, workers }: Record<string, unknown>) => [isThis, isSilent, workers]),
        [
          [true, false, 1],
          [false, false, 1],
        ],
      );
      const busy = machines[at === 0 ? 1 : 0];
      assert.equal(busy.requests, 3);
      assert.ok(busy.hitRatio > 0.6 && busy.p99 > 0 && busy.memory > 10_000_000 && busy.work.places > 0);
      assert.deepEqual([machines[at].requests, machines[at].open], [0, []]);
    }
  });

  it("show an hour of all of them", async () => {
    await first.server.ask("/tr:w-20/a.png");
    passTime(120_000);
    for (const by of clients) {
      await until(async () => (await requestsOf(by)) === 4, "the minutes of both are there");
    }
    const { series } = (await json(clients[0] as Client, "history")) as History;
    assert.equal(
      series.reduce((sum, { hits }) => sum + hits, 0),
      2,
    );
    assert.ok(series.every(({ requests, p50 }) => requests === 0 || (p50 ?? 0) > 0));
  });

  it("keep the minutes of one that has ended, and list it no more", async () => {
    await second.server.ask("/tr:w-20/a.png");
    await second.close();
    passTime(120_000);
    const [by] = clients as [Client];
    await until(async () => (await requestsOf(by)) === 5, "its last minute is there");
    await until(async () => (await json(by, "live")).machines.length === 1, "it is gone");
  });

  it("show this machine without the store", async () => {
    await redis.close();
    const [by] = clients as [Client];
    assert.equal(await requestsOf(by), 1);
    assert.equal((await json(by, "live")).machines.length, 1);
  });
});

describe("page-console: the records of a machine", () => {
  it("contain the minutes of more accounts than a call takes arguments", async () => {
    const accounts = 200_000;
    const minute = { number: 7 } as Minute;
    const list = Object.fromEntries(Array.from({ length: accounts }, (_, at) => [`t${at}`, [minute]]));
    const warned: object[] = [];
    const machines = createMachines({
      tally: { minutes: () => list },
      workers: 1,
      logger: { warn: (fields: object) => warned.push(fields) } as never,
    });
    const written: string[] = [];
    const store: Partial<Records> = {
      put: async (_key, value) => void written.push(...Object.keys(JSON.parse(value))),
      deleteBefore: async () => {},
    };
    machines.use({ records: () => store as Records, status: () => assert.fail() });
    await machines.close();
    assert.deepEqual(warned, []);
    assert.equal(written.length, accounts);
  });
});
