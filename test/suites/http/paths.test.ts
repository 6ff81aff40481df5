import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, symlink } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageAkeneo } from "@mediatap/storage-akeneo";
import { storageAzure } from "@mediatap/storage-azure";
import { storageFs } from "@mediatap/storage-fs";
import { storageGcs } from "@mediatap/storage-gcs";
import { storageS3 } from "@mediatap/storage-s3";
import { storageWeb } from "@mediatap/storage-web";
import { makeFolder, startServer, type TestFolder, type TestServer } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import fc from "fast-check";
import { photo } from "../support/photos.ts";

/** Paths that try to leave their place, to be read in two ways, or to be longer than a place can hold. */
const ATTACKS = [
  "../secret.jpg",
  "../../../../../../etc/passwd",
  "%2e%2e/secret.jpg",
  ".%2e/secret.jpg",
  "%2E%2E%2Fsecret.jpg",
  "..%2fsecret.jpg",
  "..%5csecret.jpg",
  "..\\secret.jpg",
  "a/../../secret.jpg",
  "a/%2e%2e/%2e%2e/secret.jpg",
  "%252e%252e/secret.jpg",
  "%252e%252e%252fsecret.jpg",
  "..;/secret.jpg",
  "..%3b/secret.jpg",
  "..%00/secret.jpg",
  "..%0d%0a/secret.jpg",
  "%c0%ae%c0%ae/secret.jpg",
  "%e0%80%ae%e0%80%ae/secret.jpg",
  "%uff0e%uff0e/secret.jpg",
  "%ef%bc%8e%ef%bc%8e/secret.jpg",
  "...//secret.jpg",
  "....//secret.jpg",
  "./secret.jpg",
  "%2e/secret.jpg",
  "/secret.jpg",
  "//secret.jpg",
  "/etc/passwd",
  "%2fetc%2fpasswd",
  "a//secret.jpg",
  "a/secret.jpg/",
  "a/.",
  "a/..",
  "..",
  "%2e%2e",
  "-secret/secret.jpg",
  "link/secret.jpg",
  ".env",
  ".git/config",
  "~/secret.jpg",
  "C:/secret.jpg",
  "C%3A%5Csecret.jpg",
  "%5c%5chost%5cshare%5csecret.jpg",
  "file:///etc/passwd",
  "photo.jpg%00.png",
  "%00",
  "photo.jpg%0a",
  "photo.jpg%0d%0aX-Evil:%201",
  "photo.jpg%7f",
  "photo%ff.jpg",
  "photo%ed%a0%80.jpg",
  "100%.jpg",
  "%2",
  "%zz.jpg",
  `${"x".repeat(300)}.jpg`,
  `${"ä".repeat(200)}.jpg`,
  "a/".repeat(800),
  `${"a/".repeat(800)}x.jpg`,
  "x".repeat(5_000),
  "x".repeat(9_000),
  "ik-seo/../secret.jpg",
  "photo.jpg/ik-thumbnail.jpg/../secret.jpg",
  "tr:w-10/../secret.jpg",
  "tr:w-10,l-image,i-..@@secret.jpg,l-end/photo.jpg",
  "tr:w-10,l-image,i-%2e%2e@@secret.jpg,l-end/photo.jpg",
  "tr:w-10,di-..@@secret.jpg/missing.jpg",
  "tr:w-10,di-%2e%2e%2fsecret.jpg/missing.jpg",
  "tr:w-10,di-@@etc@@passwd/missing.jpg",
];

describe("paths that try to get out", () => {
  let folder: TestFolder;
  let recorder: Server;
  let targets: string[];
  let server: TestServer;
  let url: string;

  /** What must stand before the path of everything that an origin is asked for, once it is decoded. */
  const BASES = {
    folder: undefined,
    web: "/media/inside/",
    proxy: "/media/inside/",
    s3: "/bucket/inside/",
    gcs: "/storage/v1/b/bucket/o/inside/",
    azure: "/shop/media/inside/",
    akeneo: "/api/rest/v1/media-files/",
  } as const;
  type Name = keyof typeof BASES;
  const names = Object.keys(BASES) as Name[];
  const prefixOf = (name: Name) =>
    name === "proxy" ? `/proxy/${url}/media/inside/` : `/${name}/${name === "akeneo" ? "media-files/" : ""}`;

  before(async () => {
    const good = await photo(60, 40);
    folder = await makeFolder({
      "inside/photo.jpg": good,
      "inside/a/photo.jpg": good,
      "inside/.env": "secret",
      "inside/.git/config": "secret",
      "inside-secret/secret.jpg": good,
      "secret.jpg": good,
    });
    await symlink("..", `${folder.path}/inside/link`);
    await mkdir(`${folder.path}/inside/folder.jpg`);
    recorder = createServer((request, response) => {
      if (request.url === "/api/oauth/v1/token") {
        const token = { access_token: "t", refresh_token: "r", expires_in: 3600, token_type: "bearer" };
        return void response
          .writeHead(200, { "content-type": "application/json" })
          .end(JSON.stringify(token));
      }
      targets.push(request.url ?? "");
      response.writeHead(404, { "content-type": "text/plain" }).end("not here");
    });
    targets = [];
    recorder.listen(0, "127.0.0.1");
    await once(recorder, "listening");
    const { port } = recorder.address() as AddressInfo;
    url = `http://127.0.0.1:${port}`;
    server = await startServer(config(port), { base: folder.path });
  });
  beforeEach(() => {
    targets = [];
  });
  after(async () => {
    await server.close();
    recorder.closeAllConnections();
    recorder.close();
    await folder.close();
  });

  function config(port: number): MediatapConfig {
    const keys = { accessKey: "key", secretKey: "secret" };
    return {
      plugins: [
        urlImagekit(),
        storageFs(),
        storageWeb(),
        storageS3(),
        storageGcs(),
        storageAzure(),
        storageAkeneo(),
        imageSharp(),
      ],
      origins: {
        folder: { type: "FOLDER", path: "inside" },
        web: { type: "WEB_FOLDER", baseUrl: `${url}/media/inside` },
        proxy: { type: "WEB_PROXY", ports: [port] },
        s3: {
          type: "S3_COMPATIBLE",
          bucket: "bucket",
          prefix: "inside",
          endpoint: url,
          s3ForcePathStyle: true,
          ...keys,
        },
        gcs: { type: "GCS", bucket: "bucket", prefix: "inside", endpoint: url, anonymous: true },
        azure: {
          type: "AZURE_BLOB",
          accountName: "shop",
          container: "media",
          prefix: "inside",
          endpoint: url,
          sasToken: "sig=x",
        },
        akeneo: {
          type: "AKENEO_PIM",
          baseUrl: url,
          clientId: "id",
          clientSecret: "secret",
          username: "me",
          password: "secret",
        },
      },
      endpoints: {
        ...Object.fromEntries(names.map((name) => [name, { origins: [name] }])),
        default: { origins: ["folder"] },
      },
      network: { allow: ["127.0.0.1"] },
    };
  }

  /** What origins were asked for lies in their places, as every server would read it. */
  function assertInside(name: Name, attack: string): void {
    const base = BASES[name];
    for (const target of targets) {
      assert(base, `${name} asks nobody`);
      assert.doesNotMatch(target, /[\0-\x20\x7f\\#]|%00|%0[ad]|%5c/i, `${attack} → ${target}`);
      const path = decodeURIComponent(target.split("?", 1)[0] as string);
      assert(path.startsWith(base), `${name}: ${attack} → ${target}`);
      // A web proxy's path is a URL, of which its parser has taken the dots.
      const segments = path.slice(base.length).split("/");
      assert(!segments.some((segment) => /^\.{0,2}$/.test(segment)), `${name}: ${attack} → ${target}`);
    }
  }

  for (const name of names) {
    it(`get nowhere at ${name}`, async () => {
      for (const attack of ATTACKS) {
        targets = [];
        const path = `${prefixOf(name)}${attack}`;
        const { status, headers, text } = await server.ask(path);
        const said = `${attack.slice(0, 60)}: ${status} ${headers["ik-error"]}`;
        assert([400, 404, 414].includes(status), said);
        assert.doesNotMatch(text, /secret\n|root:/, said);
        if (name === "proxy") {
          for (const target of targets) assert.match(target, /^\//);
          continue;
        }
        assertInside(name, attack);
      }
    });
  }

  const pieces = fc.constantFrom(
    ..."/ .. . %2e %2E%2e ..%2f %5c \\ // %00 %0a ; ? # @@ tr:w-5 tr:l-image,i- l-end ik-seo ik-thumbnail.jpg a photo.jpg secret.jpg link .env %c0%ae %25 ~ : http: %3f %23".split(
      " ",
    ),
  );

  it("get nowhere however they are put together", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...names.filter((name) => name !== "proxy")),
        fc.array(pieces, { minLength: 1, maxLength: 8 }),
        async (name, parts) => {
          targets = [];
          const attack = parts.join("");
          const { status, body } = await server.ask(`${prefixOf(name)}${attack}`);
          assert(status < 500, `${status} for ${attack}`);
          assert(!body.includes("secret\n"));
          assertInside(name, attack);
        },
      ),
      { numRuns: 500 },
    );
  });

  it("are no obstacle to files with odd names", async () => {
    await folder.write("inside/a..b/%2e%2e/a b+ä;c.jpg", await photo(60, 40));
    assert.equal((await server.ask("/folder/a..b/%252e%252e/a%20b+%C3%A4;c.jpg")).status, 200);
    for (const name of ["web", "s3", "gcs", "azure"] as const) {
      targets = [];
      await server.ask(`/${name}/a..b/%252e%252e/a%20b+%C3%A4;c.jpg`);
      assert.equal(targets.length, 1);
      const decoded = decodeURIComponent(targets[0]?.split("?", 1)[0] ?? "");
      assert.equal(decoded, `${BASES[name]}a..b/%2e%2e/a b+ä;c.jpg`);
    }
  });
});
