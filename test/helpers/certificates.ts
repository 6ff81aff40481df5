import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";

/** A certificate with its key, and what signs others by it. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
  readonly name: string;
  readonly privateKey: KeyObject;
}

export interface CertificateOptions {
  /** Host names and IPv4 addresses that it speaks for. */
  readonly names: readonly string[];
  /** Who signs it. @default itself */
  readonly issuer?: Certificate;
  /** @default in a day */
  readonly expires?: Date;
}

const DAY = 86_400_000;

/** Makes an X.509 certificate for a server under test (RFC 5280 §4.1). One without an issuer is an authority, too. */
export function makeCertificate({ names, issuer, expires }: CertificateOptions): Certificate {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "prime256v1" });
  const name = issuer ? (names[0] ?? "nobody") : `authority of ${names.join(", ")}`;
  const ends = expires ?? new Date(Date.now() + DAY);
  const algorithm = sequence(oid(1, 2, 840, 10045, 4, 3, 2)); // ecdsa-with-SHA256
  const spki = publicKey.export({ type: "spki", format: "der" });
  const content = sequence(
    tagged(0xa0, der(0x02, [2])), // version 3
    der(0x02, [0x01, ...createHash("sha256").update(spki).digest().subarray(0, 8)]),
    algorithm,
    distinguished(issuer?.name ?? name),
    sequence(time(new Date(ends.getTime() - 30 * DAY)), time(ends)),
    distinguished(name),
    spki,
    tagged(0xa3, sequence(alternatives(names), authority(issuer === undefined))),
  );
  const signature = sign("sha256", content, issuer?.privateKey ?? privateKey);
  const whole = sequence(content, algorithm, der(0x03, [0, ...signature]));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${whole.toString("base64")}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    name,
    privateKey,
  };
}

/** Who may be asked in the name of whom: subjectAltName (§4.2.1.6). */
function alternatives(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    /^[\d.]+$/.test(name) ? der(0x87, name.split(".").map(Number)) : der(0x82, Buffer.from(name)),
  );
  return sequence(oid(2, 5, 29, 17), der(0x04, sequence(...entries)));
}

/** basicConstraints (§4.2.1.9). */
function authority(is: boolean): Buffer {
  return sequence(
    oid(2, 5, 29, 19),
    der(0x01, [0xff]),
    der(0x04, sequence(...(is ? [der(0x01, [0xff])] : []))),
  );
}

function distinguished(name: string): Buffer {
  return sequence(der(0x31, sequence(oid(2, 5, 4, 3), der(0x0c, Buffer.from(name)))));
}

/** GeneralizedTime, as it reaches behind 2049. */
function time(date: Date): Buffer {
  return der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]|\..*/g, "")}Z`));
}

function oid(first: number, second: number, ...rest: number[]): Buffer {
  const base128 = (value: number): number[] => {
    const bytes = [value & 0x7f];
    for (let left = value >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80);
    return bytes;
  };
  return der(0x06, [first * 40 + second, ...rest.flatMap(base128)]);
}

function sequence(...parts: Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts));
}

function tagged(tag: number, content: Buffer): Buffer {
  return der(tag, content);
}

/** Tag, length, content (X.690 §8.1). */
function der(tag: number, content: Uint8Array | number[]): Buffer {
  const { length } = content;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), Buffer.from(content)]);
}
