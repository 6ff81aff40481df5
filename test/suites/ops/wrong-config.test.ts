import assert from "node:assert/strict";
import { join } from "node:path";
import { createServer, findConfig, loadConfig } from "@mediatap/core/server";
import { makeFolder } from "@mediatap/test";

type Fields = Readonly<Record<string, unknown>>;

const photos = { type: "FOLDER", path: "." };
const site = { type: "WEB_FOLDER", baseUrl: "https://www.example.com" };
const s3 = { type: "S3_COMPATIBLE", bucket: "shop", endpoint: "https://s3.example.com", accessKey: "AK" };
const gcs = { type: "GCS", bucket: "shop", clientEmail: "a@b.iam.gserviceaccount.com" };
const azure = { type: "AZURE_BLOB", accountName: "shop", container: "media" };
const pim = {
  type: "AKENEO_PIM",
  baseUrl: "https://pim.example.com",
  clientId: "id",
  clientSecret: "hunter2",
  username: "me",
};
const endpoints = { default: { origins: ["photos"] } };

/** An origin that is wrong, behind a server that is right otherwise. */
const place = (fields: Fields): Fields => ({ origins: { photos, wrong: fields }, endpoints });

/** Starts a server of a configuration file, and stops it. */
async function start(fields: Fields, file = "mediatap.config.json"): Promise<void> {
  const folder = await makeFolder({ [file]: JSON.stringify({ presets: ["mediatap"], ...fields }) });
  try {
    const found = await findConfig({ cwd: folder.path, file: join(folder.path, file) });
    assert(found);
    const packages = [import.meta.dirname];
    const config = await loadConfig(
      { log: { level: "silent" }, ...found.config },
      { source: found.source, base: folder.path, packages },
    );
    await (await createServer({ config })).close();
  } finally {
    await folder.close();
  }
}

describe("a configuration that is wrong", () => {
  it("is told from one that is right", async () => {
    await start({ origins: { photos, site }, endpoints });
  });

  for (const [what, fields, message] of [
    [
      "a field that is missing",
      place({ type: "FOLDER" }),
      "origins.wrong.path: Expected string but it is missing",
    ],
    [
      "a field of another type",
      place({ ...photos, path: 5 }),
      "origins.wrong.path: Expected string but received 5",
    ],
    [
      "a field that is not known",
      place({ ...photos, paht: "." }),
      'origins.wrong.paht: unknown field, did you mean "path"?',
    ],
    [
      "a type that is not known",
      place({ type: "S4" }),
      `origins.wrong.type: no plugin serves 'S4', did you mean "S3"?`,
    ],
    ["no type", place({ path: "." }), "origins.wrong.type: Expected string but it is missing"],
    [
      "an origin that is not known",
      { origins: { photos }, endpoints: { default: { origins: ["photo"] } } },
      `endpoints.default.origins.0: unknown origin 'photo', did you mean "photos"?`,
    ],
    [
      "an endpoint of no origin",
      { origins: { photos }, endpoints: { default: { origins: [] } } },
      "endpoints.default.origins: Expected at least one origin but received an array",
    ],
    [
      "a host of two endpoints",
      {
        origins: { photos },
        endpoints: {
          a: { origins: ["photos"], hosts: ["img.example.com"] },
          b: { origins: ["photos"], hosts: ["IMG.example.com"] },
        },
      },
      "endpoints.b.hosts: 'img.example.com' belongs to the endpoint a already",
    ],
    [
      "a host of an endpoint and a tenant",
      {
        origins: { photos },
        endpoints: { default: { origins: ["photos"], hosts: ["img.example.com"] } },
        tenants: { acme: { hosts: ["img.example.com"], origins: { photos }, endpoints } },
      },
      "endpoints.default.hosts: 'img.example.com' belongs to the tenant acme already",
    ],
    [
      "a prefix of an endpoint and a tenant",
      {
        origins: { photos },
        endpoints: { default: { origins: ["photos"] }, shop: { origins: ["photos"] } },
        tenants: { shop: { origins: { photos }, endpoints } },
      },
      "tenants.shop: paths that begin with /shop/ belong to the endpoint shop already; give the tenant hosts",
    ],
    [
      "a prefix that no path can have",
      { origins: { photos }, endpoints: { "shop/media": { origins: ["photos"] } } },
      "endpoints.shop/media: Expected up to 100 letters, digits and hyphens, not - alone, but is named 'shop/media'",
    ],
    [
      "a field of a tenant",
      {
        origins: { photos },
        endpoints,
        tenants: { acme: { origins: { photos: { type: "FOLDER" } }, endpoints } },
      },
      "tenants.acme.origins.photos.path: Expected string but it is missing",
    ],
    ["a key that is missing", place(s3), "origins.wrong.secretKey: Expected string but it is missing"],
    [
      "a key that is empty",
      place({ ...s3, secretKey: "" }),
      "origins.wrong.secretKey: Expected text that is not empty",
    ],
    [
      "a key in another form",
      place({ ...gcs, privateKey: "hunter2" }),
      "origins.wrong.privateKey: Expected a private RSA key in PEM but received ***",
    ],
    [
      "half of a login",
      place(gcs),
      "origins.wrong.clientEmail: Expected clientEmail and privateKey together",
    ],
    [
      "a token without a signature",
      place({ ...azure, sasToken: "?sv=2024-11-04&hunter2" }),
      "origins.wrong.sasToken: Expected a SAS token with a signature but received ***",
    ],
    [
      "two ways to log in",
      place({ ...azure, sasToken: "?sig=hunter2", accountKey: "aHVudGVyMg==" }),
      "origins.wrong.accountKey: Expected sasToken or accountKey, not both, but received ***",
    ],
    ["a login without its password", place(pim), "origins.wrong.password: Expected string but it is missing"],
    [
      "a user without a password",
      place({ ...site, username: "me" }),
      "origins.wrong.username: Expected username and password together",
    ],
    [
      "an address of another scheme",
      place({ ...site, baseUrl: "ftp://example.com" }),
      "origins.wrong.baseUrl: Expected an http or https URL without user, query and fragment but received 'ftp://example.com'",
    ],
    [
      "a password in an address",
      place({ ...site, baseUrl: "https://me:hunter2@example.com" }),
      "origins.wrong.baseUrl: Expected an http or https URL without user, query and fragment",
    ],
    [
      "a prefix that climbs",
      place({ ...s3, secretKey: "SK", prefix: "../secret" }),
      "origins.wrong.prefix: Expected a prefix without leading slash and without empty, . and .. segments",
    ],
    [
      "a private address that is none",
      { ...place(site), network: { allow: ["http://10.0.0.1"] } },
      "network.allow: Expected host, host:port or CIDR but received 'http://10.0.0.1'",
    ],
    [
      "a proxy that is none",
      { ...place(site), network: { proxy: "proxy:3128" } },
      "network.proxy: Expected an http or https URL without path",
    ],
    [
      "a time that is none",
      place({ ...site, hedge: 0 }),
      "origins.wrong.hedge: Expected number of more than 0 but received 0",
    ],
  ] as const satisfies [string, Fields, string][]) {
    it(`is refused at the start, by file and field: ${what}`, async () => {
      await assert.rejects(start(fields), (error: Error & { code?: string }) => {
        assert.equal(error.code, "ECONFIG");
        const lines = error.message.split("\n");
        assert(lines[0]?.includes(`mediatap.config.json: ${message}`), error.message);
        assert.doesNotMatch(error.message, /hunter2|aHVudGVyMg/);
        return true;
      });
    });
  }
});
