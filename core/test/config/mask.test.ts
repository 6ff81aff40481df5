import assert from "node:assert/strict";
import fc from "fast-check";
import { parseOptions, secretsOf } from "../../src/config/options.ts";
import { configSchema } from "../../src/config/schema.ts";
import { maskSecrets, maskText } from "../../src/util/redact.ts";

describe("masking", () => {
  for (const name of [
    "privateKey",
    "privateKeys",
    "secretKey",
    "accessKey",
    "accountKey",
    "sasToken",
    "password",
    "clientSecret",
    "connectionString",
    "authorization",
    "credentials",
    "headers",
  ]) {
    it(`hides ${name}, whatever kind of value it is`, () => {
      for (const value of ["hunter2", ["hunter2"], { deeper: ["hunter2"] }, 42]) {
        assert.deepEqual(maskSecrets({ a: { [name]: value } }), { a: { [name]: "***" } });
      }
    });
  }

  it("leaves what is no secret", () => {
    const plain = {
      name: "keyhole",
      bucket: "shop",
      path: "./a",
      quality: 80,
      cors: false,
      hosts: ["a.example"],
    };
    assert.deepEqual(maskSecrets(plain), plain);
  });

  it("takes names that people choose for no fields", () => {
    const config = {
      origins: { keys: { type: "FOLDER", path: "./k" } },
      endpoints: { secret: { origins: ["keys"] } },
    };
    assert.deepEqual(maskSecrets(config, secretsOf(configSchema)), config);
  });

  it("hides what the schema marks as a secret, and by their names the fields that it leaves to plugins", () => {
    const config = {
      cacheStatusKey: true,
      limits: { headers: 100, headerBytes: 16384 },
      privateKey: "hunter2",
      privateKeys: ["hunter2"],
      userAgentAccept: [{ match: "token", accept: "webp" }],
      origins: {
        token: {
          type: "WEB_FOLDER",
          headers: { a: "hunter2" },
          password: "hunter2",
          baseUrl: "http://a:hunter2@b",
        },
      },
      endpoints: { secret: { origins: ["token"], privateKey: "hunter2", cacheStatusKey: false } },
      tenants: {
        password: {
          privateKeys: ["hunter2"],
          origins: { keys: { type: "S3", secretKey: "hunter2", bucket: "b" } },
          endpoints: { key: { origins: ["keys"], privateKey: "hunter2" } },
        },
      },
      management: { path: "/-/key" },
    };
    const shown = maskSecrets(config, secretsOf(configSchema)) as typeof config;
    assert.deepEqual(shown, {
      ...config,
      privateKey: "***",
      privateKeys: "***",
      origins: {
        token: { ...config.origins.token, headers: "***", password: "***", baseUrl: "http://***@b" },
      },
      endpoints: { secret: { ...config.endpoints.secret, privateKey: "***" } },
      tenants: {
        password: {
          privateKeys: "***",
          origins: { keys: { type: "S3", secretKey: "***", bucket: "b" } },
          endpoints: { key: { origins: ["keys"], privateKey: "***" } },
        },
      },
    });
  });

  it("shows a wrong value of a field that is a number or a boolean, whatever its name", () => {
    assert.throws(
      () => parseOptions(configSchema, { limits: { headers: "many" }, cacheStatusKey: "yes" }, ""),
      {
        message: [
          "limits.headers: Expected number but received 'many'",
          "cacheStatusKey: Expected boolean but received 'yes'",
        ].join("\n"),
      },
    );
  });

  it("hides user and password of an address", () => {
    assert.equal(maskText("ftp://me:hunter2@host/a"), "ftp://***@host/a");
    assert.equal(maskText("see https://token@host, then"), "see https://***@host, then");
    assert.equal(maskText("https://host/a@b:c"), "https://host/a@b:c");
  });

  it("hides signatures and keys in the query of an address", () => {
    assert.equal(maskText("https://h/a?sv=1&sig=hunter2&se=3#x"), "https://h/a?sv=1&sig=***&se=3#x");
    assert.equal(maskText("/a.jpg?tr=w-1&ik-s=hunter2"), "/a.jpg?tr=w-1&ik-s=***");
    assert.equal(maskText("https://h/?X-Amz-Signature=hunter2"), "https://h/?X-Amz-Signature=***");
  });

  it("hides both in an address that is percent-encoded", () => {
    for (const [address, shown] of [
      ["https://me:hunter2@h/a.jpg?b=c@d", "https%3A%2F%2F***%40h%2Fa.jpg%3Fb%3Dc%40d"],
      ["https://h/a.jpg?b=1&auth=hunter2&c=2#d", "https%3A%2F%2Fh%2Fa.jpg%3Fb%3D1%26auth%3D***%26c%3D2%23d"],
      ["https://h/a.jpg?X-Amz-Signature=hunter2", "https%3A%2F%2Fh%2Fa.jpg%3FX-Amz-Signature%3D***"],
    ] as const) {
      assert.equal(maskText(`/x/${encodeURIComponent(address)}`), `/x/${shown}`);
    }
  });

  it("hides the password of any address", () => {
    const password = fc.stringMatching(/^[A-Za-z0-9._~!$&'()*+,;=%-]{6,20}$/);
    fc.assert(
      fc.property(password, fc.webPath(), (secret, path) => {
        const shown = maskText(`https://user:${secret}@example.com${path.replaceAll(secret, "")}`);
        assert(!shown.includes(secret));
      }),
    );
  });
});
