import assert from "node:assert/strict";
import { request } from "node:http";
import { analytics } from "@mediatap/analytics";
import { bodyOf, type PlanResult, type Plugin } from "@mediatap/core";
import { memoryStorage, until } from "@mediatap/test";
import { sign } from "@mediatap/url-imagekit";
import { type Client, type Console, KEY, SHOP_KEY, signIn, startConsole } from "./support.ts";

describe("page-console: live figures, failures and purges", () => {
  let console: Console;
  let client: Client;
  let shop: Client;
  before(async () => {
    console = await startConsole();
    client = await signIn(console.server);
    shop = await signIn(console.server, SHOP_KEY);
    await console.server.ask("/tr:w-20/a.png");
    await console.server.ask("/tr:w-20/a.png");
    await console.server.ask("/tr:w-20/broken.png?token=s3cret");
    await console.server.ask("/tr:w-oops/a.png");
    await console.server.ask("/shop/tr:w-20/nothing.png");
  });
  after(() => console.close());

  const json = async (by: Client, path: string) => JSON.parse((await by.ask(`/-/console/data/${path}`)).text);

  it("count the requests of an account, and show it its origins", async () => {
    const [mine, theirs] = [await json(client, "live"), await json(shop, "live")];
    assert.deepEqual([mine.total, theirs.total], [4, 1]);
    assert.deepEqual(mine.origins, [
      { name: "site", type: "WEB_FOLDER", breaker: "closed", asked: 2, failed: 1 },
    ]);
    assert.deepEqual(
      theirs.origins.map(({ name }: { name: string }) => name),
      ["shop/site"],
    );
  });

  it("have an hour of history, of the account alone", async () => {
    for (const by of [client, shop]) {
      const { by: length, series } = await json(by, "history");
      assert.deepEqual([length, series.length], ["minute", 60]);
      assert.deepEqual(Object.keys(series[0]), ["time", "requests", "hits", "errors", "p50", "p99"]);
    }
    assert.equal((await console.server.ask("/-/console/data/history")).status, 401);
  });

  it("show the server to nobody whose key is not good for all of it", async () => {
    for (const by of [client, shop]) assert.equal((await json(by, "live")).server, undefined);
    const own = await startConsole({}, { tenants: {} });
    try {
      const { server } = await json(await signIn(own.server), "live");
      assert.equal(server.workers, 1);
      assert.ok(server.work.places >= 1 && server.memory.rss > 10_000_000);
    } finally {
      await own.close();
    }
  });

  it("group failures, without secrets, hosts and those of others", async () => {
    const groups = await json(client, "failures");
    assert.deepEqual(
      groups.map(({ code, origin, pattern, isOurs }: Record<string, unknown>) => [
        code,
        origin,
        pattern,
        isOurs,
      ]),
      [
        ["EINVAL", undefined, "*.png", false],
        ["UNIDENTIFIED", "site", "*.png", true],
      ],
    );
    assert.equal(groups[1].url, "/tr:w-20/broken.png?token=***");
    assert.doesNotMatch(JSON.stringify(groups), new RegExp(`s3cret|127\\.0\\.0\\.1:${console.origin.port}`));
    const theirs = await json(shop, "failures");
    assert.deepEqual(
      theirs.map(({ code }: { code: string }) => code),
      ["ENOENT"],
    );
  });

  it("send events until the server ends, and do not hold it up", async () => {
    const own = await startConsole({}, { tenants: {} });
    const { cookie } = await signIn(own.server);
    let received = "";
    const ended = new Promise<void>((resolve, reject) => {
      const sent = request(
        {
          host: "127.0.0.1",
          port: own.server.port,
          path: "/-/console/data/events",
          headers: { cookie },
          agent: false,
        },
        (response) => {
          assert.equal(response.headers["content-type"], "text/event-stream");
          response.setEncoding("utf8").on("data", (text: string) => {
            received += text;
          });
          response.once("end", resolve);
        },
      );
      sent.once("error", reject);
      sent.end();
    });
    await until(() => received.includes("data: "), "an event has come");
    const event = JSON.parse(/^data: (.*)$/m.exec(received)?.[1] ?? "");
    assert.equal(event.series.length, 300);
    await own.close();
    await ended;
  });

  it("purge with the rights of the key", async () => {
    const purge = (by: Client, target: object) =>
      by.ask("/-/console/data/purge", { method: "POST", body: JSON.stringify(target) });
    assert.match((await console.server.ask("/tr:w-20/a.png")).headers["cache-status"] ?? "", /hit/);
    assert.equal((await purge(shop, { url: "/tr:w-20/a.png" })).status, 403);
    const { status, text } = await purge(client, { source: "a.png" });
    assert.equal(status, 200);
    const { id } = JSON.parse(text);
    await until(async () => (await json(client, `purge/${id}`)).state === "completed", "it is completed");
    assert.match((await console.server.ask("/tr:w-20/a.png")).headers["cache-status"] ?? "", /fwd=miss/);
    assert.equal((await shop.ask(`/-/console/data/purge/${id}`)).status, 404);
    assert.equal((await purge(client, { something: 1 })).status, 400);
    assert.equal(
      (await console.server.ask("/-/console/data/purge", { method: "POST", body: "{}" })).status,
      401,
    );
  });

  it("purge nothing without a key, although the console is open on this machine", async () => {
    const open = await startConsole({ open: true });
    try {
      const headers = {
        "x-csrf-token": "open",
        "sec-fetch-site": "same-origin",
        "content-type": "application/json",
      };
      const body = JSON.stringify({ all: true });
      const { status, text } = await open.server.ask("/-/console/data/purge", {
        method: "POST",
        headers,
        body,
      });
      assert.equal(status, 403);
      assert.match(text, /Sign in with a key to purge/);
    } finally {
      await open.close();
    }
  });

  it("report the usage of an account, if it is counted", async () => {
    assert.equal((await client.ask("/-/console/api/analytics?by=hour")).status, 404);
    const own = await startConsole({}, { plugins: [analytics()] });
    try {
      await own.server.ask("/tr:w-20/a.png");
      await own.server.ask("/shop/tr:w-21/a.png");
      await own.server.ask("/shop/tr:w-22/a.png");
      for (const [key, requests] of [
        [KEY, 1],
        [SHOP_KEY, 2],
      ] as const) {
        const by = await signIn(own.server, key);
        const { total, series } = await JSON.parse((await by.ask("/-/console/api/analytics?by=hour")).text);
        assert.deepEqual([total.requests, series.length], [requests, 24]);
        assert.equal((await by.ask("/-/console/api/analytics?by=week")).status, 400);
      }
      assert.equal((await own.server.ask("/-/console/api/analytics")).status, 401);
    } finally {
      await own.close();
    }
  });

  it("list a video once that was rendered for requests with different rights", async () => {
    const both = Promise.withResolvers<void>();
    let begun = 0;
    const videos: Plugin = {
      name: "test-videos",
      version: "1.0.0",
      apiVersion: 1,
      apply({ hooks }) {
        hooks.transform.tap("test-videos", () => {
          const run = async (): Promise<PlanResult> => {
            if (++begun === 2) both.resolve();
            await both.promise;
            const body = bodyOf(Buffer.from("a video"));
            return { body, type: "video/mp4", format: "mp4" };
          };
          return { engine: "test-videos", lane: "video", cost: 1, memory: 0, explain: () => ({}), run };
        });
      },
    };
    const own = await startConsole(
      {},
      {
        plugins: [videos, memoryStorage(new Map([["clip.mp4", Buffer.from("clip")]]))],
        origins: { files: { type: "MEMORY" } },
        endpoints: { default: { origins: ["files"], privateKey: KEY } },
        limits: { videoTransforms: 2 },
        tenants: {},
      },
    );
    try {
      const path = "clip.mp4?tr=w-100";
      const urls = [`/${path}`, `/${path}&ik-s=${sign(path, KEY)}`];
      const answers = await Promise.all(urls.map((url) => own.server.ask(url)));
      assert.deepEqual(
        answers.map(({ status }) => status),
        [200, 200],
      );
      const { renders, counts } = await json(await signIn(own.server), "videos");
      assert.deepEqual([begun, renders.length, counts.others], [2, 1, 1]);
      assert.equal(renders[0].key, undefined);
    } finally {
      await own.close();
    }
  });

  it("are where the status page was", async () => {
    const { status, headers } = await console.server.ask("/-/status");
    assert.deepEqual([status, headers.location], [302, "/-/console/live"]);
  });
});
