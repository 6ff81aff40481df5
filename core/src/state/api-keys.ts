import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { z } from "zod";
import { MediaError } from "../model/errors.ts";
import type { KeyInfo, NewKey } from "../plugin/account-keys.ts";
import type { Records } from "../plugin/state-store.ts";
import { stored } from "./open.ts";

/** Name of the collection. */
export const KEY_RECORDS = "core-keys";

/** Keys of one account. */
const MAX_KEYS = 100;

const SECRET = /^mtk_([0-9a-f]{12})_([\w-]{43})$/;

const recordSchema = z.strictObject({
  /** `""` is the server's own account. */
  tenant: z.string(),
  name: z.string(),
  role: z.enum(["read", "operate", "configure"]),
  createdAt: z.string(),
  rotatedAt: z.string().optional(),
  /** SHA-256 of the secret: it is random, so nothing is gained by trying. */
  hash: z.string(),
  /** Of the secret before it, which is valid until a time, in milliseconds since 1970. */
  previous: z.strictObject({ hash: z.string(), until: z.number() }).optional(),
});

type KeyRecord = z.output<typeof recordSchema>;

/** A key that was created by a call, without its secret. */
export interface StoredKey extends Omit<KeyRecord, "hash" | "previous"> {
  readonly id: string;
  /** Another one with each secret. */
  readonly version: string;
}

export type StoredKeys = ReturnType<typeof createStoredKeys>;

/** Keys in the state store. Each use reads it, so that a key that was revoked opens nothing any more, on any machine. */
export function createStoredKeys(records: Records) {
  async function read(id: string): Promise<KeyRecord | undefined> {
    const text = /^[0-9a-f]{12}$/.test(id) ? await stored(() => records.get(id)) : undefined;
    return text === undefined ? undefined : recordSchema.parse(JSON.parse(text));
  }
  const write = (id: string, record: KeyRecord) => stored(() => records.put(id, JSON.stringify(record)));

  async function all(tenant: string): Promise<StoredKey[]> {
    const found = await stored(() => records.list());
    return found
      .map(([id, text]) => keyOf(id, recordSchema.parse(JSON.parse(text))))
      .filter((key) => key.tenant === tenant)
      .sort((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
  }

  async function own(tenant: string, id: string): Promise<KeyRecord> {
    const record = await read(id);
    if (record?.tenant === tenant) return record;
    throw new MediaError("ENOENT", "There is no key with this id.");
  }

  return {
    /** The key that a secret is of. `undefined`: of none. Throws `EBUSY` if the store cannot be reached. */
    async verify(secret: string): Promise<StoredKey | undefined> {
      const [, id = ""] = SECRET.exec(secret) ?? [];
      const record = await read(id);
      if (!record) return undefined;
      const { hash, previous } = record;
      const isOld = previous !== undefined && previous.until > Date.now() && isEqual(previous.hash, secret);
      return isEqual(hash, secret) || isOld ? keyOf(id, record) : undefined;
    },
    async find(id: string): Promise<StoredKey | undefined> {
      const record = await read(id);
      return record && keyOf(id, record);
    },
    all,
    async create(tenant: string, { name, role }: Pick<KeyRecord, "name" | "role">): Promise<NewKey> {
      if ((await all(tenant)).length >= MAX_KEYS) {
        throw new MediaError("EINVAL", `Expected at most ${MAX_KEYS} keys.`);
      }
      const id = randomBytes(6).toString("hex");
      const secret = newSecret(id);
      const record = { tenant, name, role, createdAt: new Date().toISOString(), hash: digest(secret) };
      await write(id, record);
      return { ...infoOf(keyOf(id, record)), secret };
    },
    async rotate(tenant: string, id: string, graceSeconds: number): Promise<NewKey> {
      const { previous: _, ...record } = await own(tenant, id);
      const secret = newSecret(id);
      const rotated = {
        ...record,
        rotatedAt: new Date().toISOString(),
        hash: digest(secret),
        ...(graceSeconds > 0 && {
          previous: { hash: record.hash, until: Date.now() + graceSeconds * 1000 },
        }),
      };
      await write(id, rotated);
      return { ...infoOf(keyOf(id, rotated)), secret };
    },
    /** Resolves with the name that it had. */
    async revoke(tenant: string, id: string): Promise<string> {
      const { name } = await own(tenant, id);
      await stored(() => records.delete(id));
      return name;
    },
  };
}

export function infoOf({ id, name, role, createdAt, rotatedAt }: StoredKey): KeyInfo {
  return { id, name, role, createdAt, ...(rotatedAt !== undefined && { rotatedAt }) };
}

function keyOf(id: string, { hash, previous: _, ...key }: KeyRecord): StoredKey {
  return { ...key, id, version: hash };
}

function newSecret(id: string): string {
  return `mtk_${id}_${randomBytes(32).toString("base64url")}`;
}

function digest(secret: string): string {
  return hash("sha256", secret, "hex");
}

function isEqual(expected: string, secret: string): boolean {
  return timingSafeEqual(Buffer.from(expected, "hex"), Buffer.from(digest(secret), "hex"));
}
