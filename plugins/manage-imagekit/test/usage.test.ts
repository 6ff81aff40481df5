import assert from "node:assert/strict";
import { analytics } from "@mediatap/analytics";
import { cacheMemory } from "@mediatap/cache-memory";
import { imageSharp } from "@mediatap/image-sharp";
import { manageImagekit } from "@mediatap/manage-imagekit";
import {
  makePng,
  memoryStorage,
  passTime,
  resetTime,
  startServer,
  stopTime,
  type TestServer,
} from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { describeWithSdks } from "../../../test/suites/support/sdks.ts";

const DAY = 86_400_000;
const picture = makePng(60, 40, () => [200, 30, 30, 255]);
const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0";

describeWithSdks("manage-imagekit: usage", (sdks) => {
  let server: TestServer;
  let ofPictures: number;
  let bytes: number;
  const client = (privateKey: string) => sdks.client({ baseURL: `${server.url}/-/api`, privateKey });
  const date = (days: number) => new Date(Date.now() + days * DAY).toISOString().slice(0, 10);
  const days = (from: number, to: number) => ({ startDate: date(from), endDate: date(to) });
  const plugins = () => [
    urlImagekit(),
    memoryStorage(new Map([["a.png", picture]])),
    imageSharp(),
    cacheMemory(),
    manageImagekit(),
  ];

  before(async () => {
    stopTime();
    const tenant = (key: string) => ({
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] }, shop: { origins: ["files"] } },
      privateKey: key,
    });
    server = await startServer({
      plugins: [...plugins(), analytics({ countryHeader: "cf-ipcountry" })],
      tenants: { acme: tenant("acme_key"), beta: tenant("beta_key") },
    });
    const headers = {
      "user-agent": FIREFOX,
      referer: "https://shop.example/page",
      "cf-ipcountry": "DE",
    };
    const [first, second] = [
      await server.ask("/acme/tr:w-20,f-webp/a.png", { headers }),
      await server.ask("/acme/tr:w-20,f-webp/a.png", { headers }),
    ];
    const missing = await server.ask("/acme/shop/none.png", { headers });
    ofPictures = first.body.length + second.body.length;
    bytes = ofPictures + missing.body.length;
    await server.ask("/beta/secret.png");
  });
  after(async () => {
    resetTime();
    await server?.close();
  });

  it("returns the bandwidth of the days before the end date", async () => {
    const acme = client("acme_key").accounts.usage;
    assert.deepEqual({ ...(await acme.get(days(0, 1))) }, { bandwidthBytes: bytes });
    assert.deepEqual({ ...(await acme.get(days(-1, 0))) }, { bandwidthBytes: 0 });
  });

  it("returns the analytics of the days up to the end date", async () => {
    const acme = client("acme_key").accounts.usageAnalytics;
    const { generatedAt, ...report } = await acme.get(days(-3, 0));
    assert.equal(generatedAt, new Date(Date.now()).toISOString());
    const entry = (name: string, requestCount: number, bandwidthBytes: number, more = {}) => {
      const list = [{ ...more, name, requestCount, bandwidthBytes }];
      return { byRequests: list, byBandwidth: list };
    };
    const none = { byRequests: [], byBandwidth: [] };
    const { urlEndpoints, format, ...rest } = report as Record<string, { byRequests: { name: string }[] }>;
    assert.deepEqual(rest, {
      ...days(-3, 0),
      requestCount: 3,
      bandwidthBytes: bytes,
      cache: { hitCount: 1, missCount: 1, errorCount: 1 },
      statusCodes: [
        { name: "200", requestCount: 2 },
        { name: "404", requestCount: 1 },
      ],
      errorReasons: [{ name: "Not found at origin", requestCount: 1 }],
      top404Assets: [{ name: "/acme/shop/none.png", requestCount: 1 }],
      browser: entry("Firefox", 3, bytes),
      device: entry("Desktop - Linux PC", 3, bytes),
      country: entry("Germany", 3, bytes, { code: "DE" }),
      topImages: entry("/acme/a.png", 2, ofPictures),
      topImageTransforms: entry("tr:w-20,f-webp", 2, ofPictures),
      topVideos: none,
      topVideoTransforms: none,
      topOtherAssets: none,
      topReferrers: entry("shop.example", 3, bytes),
      topUserAgents: entry("Firefox 127", 3, bytes),
      extensions: [],
      videoProcessing: [],
    });
    assert.deepEqual(format, entry("image/webp", 2, ofPictures));
    assert.deepEqual(
      urlEndpoints?.byRequests.map(({ name }) => name),
      ["Default", "shop"],
    );
  });

  it("shows a tenant nothing of another one", async () => {
    const { accounts } = client("beta_key");
    const report = await accounts.usageAnalytics.get(days(0, 0));
    assert.equal(report.requestCount, 1);
    assert.deepEqual(report.top404Assets, [{ name: "/beta/secret.png", requestCount: 1 }]);
    assert.doesNotMatch(JSON.stringify(report), /acme|a\.png|shop|Firefox/);
    const { bandwidthBytes } = await accounts.usage.get(days(0, 1));
    assert.equal(bandwidthBytes, report.bandwidthBytes);
    await assert.rejects(client("gamma_key").accounts.usage.get(days(0, 1)), { status: 401 });
  });

  it("refuses dates as ImageKit does", async () => {
    const { usage, usageAnalytics } = client("acme_key").accounts;
    for (const call of [usage, usageAnalytics]) {
      for (const [startDate, endDate, message] of [
        [
          "2026-02-31",
          "2026-03-02",
          /Expected a date such as 2026-11-30 for startDate but received '2026-02-31'/,
        ],
        ["2026-03-01", "tomorrow", /Expected a date such as 2026-11-30 for endDate but received 'tomorrow'/],
        ["2026-03-02", "2026-03-01", /The endDate must be after the startDate\./],
        ["2026-01-01", "2026-04-01", /The dates must be less than 90 days apart\./],
      ] as const) {
        await assert.rejects(call.get({ startDate, endDate }), { status: 400, message });
      }
    }
    await assert.rejects(usage.get(days(0, 0)), { status: 400 });
    const authorization = `Basic ${Buffer.from("acme_key:").toString("base64")}`;
    const { status } = await server.ask("/-/api/v1/accounts/usage", { headers: { authorization } });
    assert.equal(status, 400);
  });

  it("says which plugin is missing if nobody counts", async () => {
    const bare = await startServer({
      plugins: plugins(),
      origins: { files: { type: "MEMORY" } },
      endpoints: { default: { origins: ["files"] } },
      privateKey: "key",
    });
    try {
      const authorization = `Basic ${Buffer.from("key:").toString("base64")}`;
      const { status, text } = await bare.ask(
        "/-/api/v1/accounts/usage?startDate=2026-01-01&endDate=2026-01-02",
        {
          headers: { authorization },
        },
      );
      assert.deepEqual(
        [status, JSON.parse(text)],
        [
          501,
          {
            message: "Usage is not counted: the plugin analytics is missing.",
            help: "See the README of manage-imagekit.",
          },
        ],
      );
    } finally {
      await bare.close();
    }
  });

  it("counts days of UTC", async () => {
    passTime(DAY);
    const acme = client("acme_key").accounts.usage;
    assert.deepEqual({ ...(await acme.get(days(0, 1))) }, { bandwidthBytes: 0 });
    assert.deepEqual({ ...(await acme.get(days(-1, 0))) }, { bandwidthBytes: bytes });
  });
});
