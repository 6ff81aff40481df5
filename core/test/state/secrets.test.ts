import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { createSecrets, newStateKey, type Sealed } from "../../src/state/secrets.ts";

describe("secrets of the managed state", () => {
  const secrets = createSecrets(newStateKey());

  it("open to what was sealed, and show nothing of it", () => {
    const data = fc.dictionary(
      fc.constantFrom("secretKey", "headers", "name", "prefix", "useIAMRole"),
      fc.oneof(fc.string(), fc.boolean(), fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true })),
      { noNullPrototype: true },
    );
    // What is in no name and in no base64.
    const secret = fc.string().map((text) => `!${text}!`);
    fc.assert(
      fc.property(data, secret, (fields, password) => {
        const plain = { ...fields, below: { password, list: [{ sasToken: password }] } };
        const sealed = secrets.seal(plain);
        assert.deepEqual(secrets.open(sealed), plain);
        assert.deepEqual(secrets.seal(sealed), sealed);
        assert(!JSON.stringify([sealed.below]).includes(JSON.stringify(password).slice(1, -1)));
      }),
    );
  });

  it("are sealed in another way each time", () => {
    const seal = () => secrets.seal({ password: "a" }) as unknown as { password: Sealed };
    assert.notEqual(seal().password.$secret, seal().password.$secret);
  });

  it("do not open if a byte has changed, or with another key", () => {
    const { password } = secrets.seal({ password: "a secret" }) as unknown as { password: Sealed };
    const bytes = Buffer.from(password.$secret, "base64url");
    for (const at of bytes.keys()) {
      const other = Buffer.from(bytes);
      other[at] = (other[at] ?? 0) ^ 1;
      const changed = { password: { $secret: other.toString("base64url") } };
      assert.throws(() => secrets.open(changed), { code: "ECONFIG", message: /received another one$/ });
    }
    assert.throws(() => secrets.open({ password: { $secret: "" } }), { code: "ECONFIG" });
    assert.throws(() => createSecrets(newStateKey()).open({ password }), { code: "ECONFIG" });
  });

  it("take a key as base64 or hexadecimal", () => {
    const key = randomBytes(32);
    const sealed = createSecrets(key.toString("base64")).seal({ password: "a" });
    for (const text of [key.toString("hex"), key.toString("base64url"), ` ${key.toString("base64")}\n`]) {
      assert.deepEqual(createSecrets(text).open(sealed), { password: "a" });
    }
    for (const text of ["", "password", key.toString("base64").slice(4)]) {
      assert.throws(() => createSecrets(text).seal({ password: "a" }), {
        code: "ECONFIG",
        message: /^MEDIATAP_STATE_KEY: Expected 32 bytes as base64.*"mediatap state key" makes one$/,
      });
    }
  });
});
