import assert from "node:assert/strict";
import {
  ask,
  makeFolder,
  passTime,
  resetTime,
  startServer,
  stopTime,
  type TestFolder,
  type TestServer,
  until,
} from "@mediatap/test";
import { sign } from "@mediatap/url-imagekit";
import { type Serving, serving } from "../../../core/test/cli/mediatap.ts";
import { photo } from "../support/photos.ts";
import { usual } from "../support/plugins.ts";

const KEY = "a key of sixteen bytes";

describe("missRate", () => {
  let folder: TestFolder;
  let server: TestServer;
  let last = 0;
  before(async () => {
    folder = await makeFolder({ "photo.jpg": await photo(40, 30) });
    const origins = ["files"];
    server = await startServer({
      plugins: usual(),
      origins: { files: { type: "FOLDER", path: folder.path } },
      endpoints: {
        default: { origins, missRate: 2 },
        free: { origins },
        brief: { origins, missRate: 2, cacheControl: "max-age=10", staleWhileRevalidate: 0 },
      },
      privateKey: KEY,
      trustedProxies: ["127.0.0.1"],
    });
  });
  after(async () => {
    await server.close();
    await folder.close();
  });
  beforeEach(stopTime);
  afterEach(resetTime);

  const from = (ip: string, path: string) => server.ask(path, { headers: { "x-forwarded-for": ip } });
  /** A URL that nobody has requested before. */
  const next = () => `/tr:w-${++last}/photo.jpg`;
  const statuses = async (...requests: readonly (readonly [ip: string, path: string])[]) => {
    const found: number[] = [];
    for (const [ip, path] of requests) found.push((await from(ip, path)).status);
    return found;
  };

  it("bounds what one address has rendered, and says when it may go on", async () => {
    assert.deepEqual(await statuses(["192.0.2.1", next()], ["192.0.2.1", next()]), [200, 200]);
    const refused = await from("192.0.2.1", next());
    assert.deepEqual(
      [refused.status, refused.headers["retry-after"], refused.headers["cache-control"]],
      [429, "30", "no-store"],
    );
    assert.equal(
      refused.headers["ik-error"],
      "EBUSY - Too many new renditions for this address: try again later",
    );
    passTime(29_000);
    assert.equal((await from("192.0.2.1", next())).headers["retry-after"], "1");
    passTime(1_000);
    assert.deepEqual(await statuses(["192.0.2.1", next()], ["192.0.2.1", next()]), [200, 429]);
  });

  it("does not count what a cache has, and does not store the refusal", async () => {
    const [first, second, third] = [next(), next(), next()];
    const ip = "192.0.2.2";
    assert.deepEqual(await statuses([ip, first], [ip, second], [ip, third]), [200, 200, 429]);
    assert.deepEqual(await statuses([ip, first], [ip, second], [ip, first]), [200, 200, 200]);
    assert.deepEqual(await statuses(["192.0.2.3", third], [ip, third]), [200, 200]);
  });

  it("counts files that are missing, once for as long as that is cached", async () => {
    const ip = "192.0.2.4";
    assert.deepEqual(
      await statuses([ip, "/no-1.jpg"], [ip, "/no-1.jpg"], [ip, "/no-2.jpg"]),
      [404, 404, 404],
    );
    assert.deepEqual(await statuses([ip, "/no-3.jpg"]), [429]);
  });

  it("counts an IPv6 network of 64 bits as one client, and a mapped address as IPv4", async () => {
    const same = ["2001:db8:1:2::1", "2001:db8:1:2:3::", "2001:DB8:1:2:ffff:ffff:ffff:ffff"] as const;
    const found = await statuses(...same.map((ip) => [ip, next()] as const));
    assert.deepEqual(found, [200, 200, 429]);
    assert.deepEqual(await statuses(["2001:db8:1:3::1", next()]), [200]);
    const mapped = ["192.0.2.5", "::ffff:192.0.2.5", "::ffff:c000:205"] as const;
    assert.deepEqual(await statuses(...mapped.map((ip) => [ip, next()] as const)), [200, 200, 429]);
  });

  it("does not count URLs with a valid signature, nor other endpoints", async () => {
    const ip = "192.0.2.6";
    const requests = Array.from({ length: 4 }, () => {
      const path = next().slice(1);
      return [ip, `/${path}?ik-s=${sign(path, KEY)}`] as const;
    });
    assert.deepEqual(await statuses(...requests), [200, 200, 200, 200]);
    const others = Array.from({ length: 4 }, () => [ip, `/free${next()}`] as const);
    assert.deepEqual(await statuses(...others), [200, 200, 200, 200]);
    assert.deepEqual(await statuses([ip, next()], [ip, next()], [ip, next()]), [200, 200, 429]);
  });

  it("does not count requests that wait for a render which is running", async () => {
    const ip = "192.0.2.7";
    const path = next();
    const answers = await Promise.all(Array.from({ length: 6 }, () => from(ip, path)));
    assert.deepEqual(
      answers.map(({ status }) => status),
      [200, 200, 200, 200, 200, 200],
    );
  });

  it("serves a stale rendition in place of the refusal", async () => {
    const ip = "192.0.2.8";
    const path = `/brief${next()}`;
    assert.equal((await from(ip, path)).status, 200);
    assert.deepEqual(await statuses([ip, `/brief${next()}`], [ip, `/brief${next()}`]), [200, 429]);
    passTime(11_000);
    const stale = await from(ip, path);
    assert.equal(stale.status, 200);
    assert.equal(stale.headers["x-mediatap-provenance"], "stale");
  });
});

describe("missRate of several workers", () => {
  let folder: TestFolder;
  let server: Serving;
  before(async () => {
    const preset = JSON.stringify(new URL("../../../presets/mediatap/src/index.ts", import.meta.url).href);
    folder = await makeFolder({
      "package.json": "{}",
      "a.css": "a {}",
      "mediatap.config.mjs": `
        import { presetMediatap } from ${preset};
        export default {
          presets: [presetMediatap()],
          plugins: [{ name: "who", version: "1", apiVersion: 1, apply({ hooks }) {
            hooks.respond.tap("who", ({ headers }) => void (headers["x-process"] = process.pid));
          } }],
          origins: { files: { type: "FOLDER", path: "." } },
          endpoints: { default: { origins: ["files"], missRate: 1 } },
        };`,
    });
    server = await serving(["--workers", "2"], { cwd: folder.path });
  });
  after(async () => {
    server?.kill("SIGKILL");
    await server?.ended;
    await folder?.close();
  });

  it("is one limit for all of them", async () => {
    const statuses: number[] = [];
    const workers = new Set<string | undefined>();
    await until(async () => {
      const { status, headers } = await ask(server.port, `/a.css?v=${statuses.length}`);
      statuses.push(status);
      workers.add(headers["x-process"]);
      return workers.size === 2 && statuses.length > 4;
    }, "both workers answer");
    assert.deepEqual(
      statuses.filter((status) => status !== 429),
      [200],
    );
  });
});
