import assert from "node:assert/strict";
import { makeFolder, startOrigin, type WebOrigin } from "@mediatap/test";
import { type Copies, openPlace, type Place, plain, type Setting, seen } from "./server.ts";

describe("cache-source: the origin of a copy", () => {
  let place: Place;
  let origin: WebOrigin;
  let copies: Copies;
  beforeEach(async () => {
    place = await openPlace({ "a.png": plain(200) });
    ({ origin, copies } = place);
  });
  afterEach(() => place.close());

  const start = (setting?: Setting) => place.start(setting);

  describe("among several origins", () => {
    let other: WebOrigin;
    beforeEach(async () => {
      other = await startOrigin({ "o.png": plain(20) });
    });
    afterEach(() => other.close());

    it("keeps a copy for the origin that has the file, under its name alone", async () => {
      const server = await start({
        config: {
          origins: { other: { type: "WEB_FOLDER", baseUrl: other.url } },
          endpoints: {
            default: { origins: ["site", "other"] },
            far: { origins: ["other"] },
            near: { origins: ["site"] },
          },
        },
      });
      other.files.set("a.png", { bytes: plain(10) });
      assert.equal((await seen((await server.ask("/tr:w-10,f-png/o.png")).body)).red, 20);
      assert.equal((await seen((await server.ask("/tr:w-10,f-png/a.png")).body)).red, 200);
      await copies.saved(2);
      // Another endpoint of the same origin has its copy, an endpoint of another has not.
      const asked = [origin.requests.length, other.requests.length];
      assert.equal((await seen((await server.ask("/far/tr:w-20,f-png/o.png")).body)).red, 20);
      assert.equal((await seen((await server.ask("/near/tr:w-20,f-png/a.png")).body)).red, 200);
      assert.deepEqual([origin.requests.length, other.requests.length], asked);
      assert.equal((await server.ask("/near/tr:w-20/o.png")).status, 404);
      assert.equal((await seen((await server.ask("/far/tr:w-20,f-png/a.png")).body)).red, 10);
      await copies.saved(3);
    });

    it("has no copies of an origin's former place", async () => {
      const before = await start();
      await before.ask("/tr:w-10/a.png");
      await copies.saved(1);
      other.files.set("a.png", { bytes: plain(10) });
      const config = { origins: { site: { type: "WEB_FOLDER", baseUrl: other.url } } };
      const server = await start({ config });
      assert.equal((await seen((await server.ask("/tr:w-10,f-png/a.png")).body)).red, 10);
    });

    it("keeps tenants apart, even where their origins are one place", async () => {
      const tenant = () => ({
        origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url } },
        endpoints: { default: { origins: ["site"] } },
      });
      const server = await start({ config: { tenants: { one: tenant(), two: tenant() } } });
      await server.ask("/one/tr:w-10/a.png");
      await copies.saved(1);
      await server.ask("/two/tr:w-10/a.png");
      await copies.saved(2);
      assert.equal(origin.requests.length, 2);
    });

    it("asks the library first, and folders that come first", async () => {
      const [library, folder] = [await makeFolder(), await makeFolder()];
      const server = await start({
        config: {
          origins: {
            library: { type: "FOLDER", path: library.path },
            near: { type: "FOLDER", path: folder.path },
          },
          endpoints: { default: { library: "library", origins: ["near", "site"] } },
        },
      });
      const red = async () => (await seen((await server.ask("/tr:w-10,f-png/a.png")).body)).red;
      try {
        assert.equal(await red(), 200);
        await copies.saved(1);
        assert.equal(await red(), 200);
        await folder.write("a.png", plain(100));
        assert.equal(await red(), 100);
        await library.write("a.png", plain(50));
        assert.equal(await red(), 50);
        assert.equal(origin.requests.length, 1);
        // What lies in a folder is not copied.
        assert.equal((await copies.records()).length, 1);
      } finally {
        await library.close();
        await folder.close();
      }
    });

    it("copies only the files of the origins that are named", async () => {
      const server = await start({
        options: { origins: ["other"] },
        config: {
          origins: { other: { type: "WEB_FOLDER", baseUrl: other.url } },
          endpoints: { default: { origins: ["site", "other"] } },
        },
      });
      await server.ask("/tr:w-10/a.png");
      await server.ask("/tr:w-10/o.png");
      await copies.saved(1);
      await server.ask("/tr:w-20/a.png");
      assert.equal(origin.count("a.png"), 2);
    });
  });

  it("keeps files by host name where the origin is asked by it", async () => {
    origin.files.set("a.png", {
      answer: ({ headers }, response) => response.end(plain(headers.host === "one.test" ? 10 : 90)),
    });
    const server = await start({
      config: {
        origins: { site: { type: "WEB_FOLDER", baseUrl: origin.url, forwardHostHeaderToOrigin: true } },
      },
    });
    const red = async (host: string, width: number) =>
      (await seen((await server.ask(`/tr:w-${width},f-png/a.png`, { headers: { host } })).body)).red;
    assert.equal(await red("one.test", 10), 10);
    assert.equal(await red("two.test", 10), 90);
    await copies.saved(2);
    assert.equal(await red("one.test", 20), 10);
    assert.equal(await red("two.test", 20), 90);
    assert.equal(origin.requests.length, 2);
  });

  it("keeps files behind a web proxy by their whole address", async () => {
    const other = await startOrigin({ "a.png": plain(10) });
    const server = await start({
      config: {
        origins: { web: { type: "WEB_PROXY" } },
        endpoints: { default: { origins: ["web", "site"] } },
        network: { allow: [origin, other].map(({ port }) => `127.0.0.1:${port}`) },
      },
    });
    const red = async (url: string, width: number) =>
      (await seen((await server.ask(`/${url}/a.png?tr=w-${width},f-png`)).body)).red;
    try {
      for (const width of [10, 20]) {
        assert.equal(await red(origin.url, width), 200);
        assert.equal(await red(other.url, width), 10);
        await copies.saved(2);
      }
      assert.deepEqual([origin.requests.length, other.requests.length], [1, 1]);
    } finally {
      await other.close();
    }
  });
});
