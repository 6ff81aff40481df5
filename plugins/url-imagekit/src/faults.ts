import { createHash, createHmac } from "node:crypto";
import type { Endpoint, Exchange, Target } from "@mediatap/core";
import { readQuery } from "@mediatap/core/language";
import { isExpired, isGenuine, NEVER_EXPIRES_SECONDS, readSignature } from "./signature.ts";

/** A way to sign; `fault`: what is wrong with it, as the end of "It was made …". */
interface Way<T> {
  readonly value: T;
  readonly fault?: string;
}

/** Mistakes in one signature, at most: two together explain almost anything, and three would explain chance. */
const MAX_MISTAKES = 2;

/** Parameters of which every selection is tried. */
const MAX_PARAMETERS = 6;

/**
 * Why the signature of a request is not valid, in words for the author of its URL: which of the usual mistakes was made, found by
 * making each of them. `undefined`: it is valid, or there is none. `others`: the other endpoints of the account.
 */
export function faultOf(
  { endpoint, target, request }: Exchange,
  others: readonly Endpoint[],
  skewSeconds: number,
): string | undefined {
  const signature = readSignature(target.query);
  const pairs = readQuery(target.query);
  if (!signature) {
    const hasExpiry = pairs.some(({ name }) => name === "ik-t");
    return hasExpiry ? "The URL has an expiry (ik-t) but no signature (ik-s)." : undefined;
  }
  const { value, expiry, rest } = signature;
  if (endpoint.privateKeys.length === 0) {
    return `The endpoint ${endpoint.name} has no private key, so no signature is checked.`;
  }
  if (value === undefined) {
    const isPlain = pairs.every(({ raw, name }) => !/^ik-[st]$/.test(name) || raw.startsWith("ik-"));
    return isPlain
      ? "Expected one signature (ik-s) and at most one expiry (ik-t), but the URL has more."
      : "The name ik-s or ik-t is percent-encoded: expected it as it is.";
  }
  if (expiry === undefined) {
    const sent = pairs.find(({ name }) => name === "ik-t")?.rawValue ?? "";
    const isMilliseconds = /^\d{13}$/.test(sent);
    return `Expected seconds since 1970 for ik-t but received '${sent}'${isMilliseconds ? ", which are milliseconds" : ""}.`;
  }
  const expired = isExpired(signature, skewSeconds) ? `It expired on ${dateOf(expiry)}.` : undefined;
  if (isGenuine(target, signature, endpoint.privateKeys)) return expired;
  const hasExpiry = pairs.some(({ name }) => name === "ik-t");
  const mistakes = mistakesOf(value, {
    messages: messagesOf(target, rest, request.host),
    expiries: expiriesOf(expiry, hasExpiry),
    keys: keysOf(endpoint, others),
    codes: CODES,
  });
  return [mistakes ? `It was made ${mistakes.join(" and ")}.` : unknownFault(value), expired]
    .filter(Boolean)
    .join(" ");
}

function unknownFault(value: string): string {
  if (/^[0-9a-f]{40}$/.test(value)) {
    return "It was made with another key or for another URL: none of the usual mistakes explains it.";
  }
  return `Expected 40 lower-case hexadecimal digits (HMAC-SHA-1) for ik-s but received ${value.length} characters.`;
}

const dateOf = (seconds: number) =>
  new Date(seconds * 1000)
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " UTC");

interface Ways {
  readonly messages: readonly Way<string>[];
  readonly expiries: readonly Way<string>[];
  readonly keys: readonly Way<string>[];
  readonly codes: readonly Way<(key: string, message: string) => string>[];
}

/** The mistakes by which a signature was made, as few as possible. */
function mistakesOf(value: string, { messages, expiries, keys, codes }: Ways): string[] | undefined {
  for (let most = 1; most <= MAX_MISTAKES; most++) {
    for (const code of codes) {
      for (const key of keys) {
        for (const expiry of expiries) {
          for (const message of messages) {
            const faults = [message.fault, expiry.fault, key.fault, code.fault].filter(
              (fault) => fault !== undefined,
            );
            if (faults.length !== most) continue;
            if (code.value(key.value, message.value + expiry.value) === value) return faults;
          }
        }
      }
    }
  }
  return undefined;
}

/** What is signed, and what else people sign. */
function messagesOf({ path, mount }: Target, rest: string, host: string): Way<string>[] {
  const query = rest === "" ? "" : `?${rest}`;
  const fullPath = `${mount}${path}${query}`;
  const decodedPath = decoded(path);
  const doubled = /%25[0-9a-f]{2}/i.test(path);
  const ways: Way<string>[] = [
    { value: path + query },
    { value: `/${path}${query}`, fault: "of a path with a slash at its start" },
    { value: `/${fullPath}`, fault: "of a path with a slash at its start" },
    ...["https://", "http://", "//", ""].map((scheme) => ({
      value: `${scheme}${host}/${fullPath}`,
      fault: "of the whole URL: expected only what follows the endpoint",
    })),
    {
      value: decodedPath + query,
      fault: doubled ? "before the path was encoded a second time" : "before the path was encoded",
    },
    { value: encodedAgain(path) + query, fault: "of a path that was encoded once more than it was sent" },
    ...["NFC", "NFD"].map((form) => ({
      value:
        path
          .split("/")
          .map((name) => encodeURIComponent(decoded(name).normalize(form)))
          .join("/") + query,
      fault: `of a path whose letters with marks are in another Unicode form (${form})`,
    })),
    { value: path.toLowerCase() + query, fault: "of the path in lower case" },
    ...withoutTransformation(path, query),
    ...queriesOf(rest).map(({ value, fault }) => ({
      value: path + (value === "" ? "" : `?${value}`),
      ...(fault !== undefined && { fault }),
    })),
  ];
  const [right] = ways;
  return ways.filter((way) => way === right || way.value !== right?.value);
}

function queriesOf(rest: string): Way<string>[] {
  const parts = rest === "" ? [] : rest.split("&");
  if (parts.length === 0) return [];
  const nameOf = (part: string) => `'${part.split("=")[0]}'`;
  const left =
    parts.length <= MAX_PARAMETERS
      ? selectionsOf(parts)
      : parts.map((part) => parts.filter((one) => one !== part));
  return [
    { value: "", fault: "without the query" },
    ...left
      .filter((parameters) => parameters.length > 0 && parameters.length < parts.length)
      .map((parameters) => {
        const missing = parts.filter((part) => !parameters.includes(part)).map(nameOf);
        return { value: parameters.join("&"), fault: `without ${missing.join(", ")} in the query` };
      }),
    {
      value: [...parts].sort().join("&"),
      fault: "with the parameters in alphabetical order: the URL has them in another one",
    },
    { value: rest.replaceAll("+", "%20"), fault: "with %20 where the query has +" },
    { value: rest.replaceAll("%20", "+"), fault: "with + where the query has %20" },
    { value: decoded(rest), fault: "before the query was encoded" },
    {
      value: parts.map((part) => part.split("=").map(encodeURIComponent).join("=")).join("&"),
      fault: "of a query that was encoded once more than it was sent",
    },
  ];
}

/** Every selection, in the order given. */
function selectionsOf(parts: readonly string[]): string[][] {
  return Array.from({ length: 2 ** parts.length }, (_, bits) => parts.filter((_, at) => (bits >> at) & 1));
}

/** The URL before a transformation was added to its path, or with the transformation in the other place. */
function withoutTransformation(path: string, query: string): Way<string>[] {
  const segments = path.split("/");
  const chain = segments.find((segment) => segment.startsWith("tr:"));
  if (chain === undefined) return [];
  const bare = segments.filter((segment) => segment !== chain).join("/");
  const inQuery = `tr=${chain.slice(3)}`;
  return [
    { value: bare + query, fault: "without the transformation" },
    {
      value: `${bare}?${inQuery}${query.replace("?", "&")}`,
      fault: "with the transformation in the query, not in the path",
    },
  ];
}

function expiriesOf(expiry: number, hasExpiry: boolean): Way<string>[] {
  if (!hasExpiry) {
    return [
      { value: String(NEVER_EXPIRES_SECONDS) },
      {
        value: "",
        fault: `without ${NEVER_EXPIRES_SECONDS} at the end of the text, which means that it never expires`,
      },
      {
        value: "0",
        fault: `with 0 at the end of the text: a URL that never expires has ${NEVER_EXPIRES_SECONDS}`,
      },
    ];
  }
  return [
    { value: String(expiry) },
    {
      value: String(NEVER_EXPIRES_SECONDS),
      fault: "for a URL that never expires: ik-t was added afterwards",
    },
    { value: "", fault: "without the expiry at the end of the text" },
    { value: `${expiry}000`, fault: "with the expiry in milliseconds" },
  ];
}

function keysOf({ privateKeys }: Endpoint, others: readonly Endpoint[]): Way<string>[] {
  return [
    ...privateKeys.map((value) => ({ value })),
    ...others.flatMap((other) =>
      other.privateKeys
        .filter((key) => !privateKeys.includes(key))
        .map((value) => ({ value, fault: `with a key of the endpoint ${other.name}` })),
    ),
    ...privateKeys.flatMap((key) => [
      { value: `${key}\n`, fault: "with a line break at the end of the key" },
      { value: ` ${key}`, fault: "with a space at the start of the key" },
      { value: `${key} `, fault: "with a space at the end of the key" },
      { value: `"${key}"`, fault: "with quotation marks around the key" },
      { value: Buffer.from(key).toString("base64"), fault: "with the key in base64" },
    ]),
    { value: "", fault: "with an empty key: is its variable set?" },
    { value: "undefined", fault: "with the text 'undefined' as the key: is its variable set?" },
  ];
}

const hmac =
  (algorithm: string, encoding: "hex" | "base64" | "base64url") => (key: string, message: string) =>
    createHmac(algorithm, key).update(message).digest(encoding);

/** The right code first. */
const CODES: Ways["codes"] = [
  { value: hmac("sha1", "hex") },
  {
    value: (key, message) => hmac("sha1", "hex")(key, message).toUpperCase(),
    fault: "in upper case: expected lower-case hexadecimal digits",
  },
  { value: hmac("sha1", "base64"), fault: "in base64: expected hexadecimal digits" },
  {
    value: (key, message) => encodeURIComponent(hmac("sha1", "base64")(key, message)),
    fault: "in base64: expected hexadecimal digits",
  },
  { value: hmac("sha1", "base64url"), fault: "in base64: expected hexadecimal digits" },
  { value: hmac("sha256", "hex"), fault: "with SHA-256: expected HMAC-SHA-1" },
  {
    value: hmac("sha256", "base64url"),
    fault: "with SHA-256 and in base64: expected HMAC-SHA-1 in hexadecimal digits",
  },
  { value: hmac("md5", "hex"), fault: "with MD5: expected HMAC-SHA-1" },
  { value: (key, message) => hmac("sha1", "hex")(message, key), fault: "with key and text exchanged" },
  {
    value: (key, message) =>
      createHash("sha1")
        .update(key + message)
        .digest("hex"),
    fault: "as a plain SHA-1 of key and text: expected HMAC-SHA-1",
  },
  {
    value: (key, message) =>
      createHash("sha1")
        .update(message + key)
        .digest("hex"),
    fault: "as a plain SHA-1 of text and key: expected HMAC-SHA-1",
  },
];

/** Decoded once; what is not well encoded stays as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const encodedAgain = (path: string) => path.split("/").map(encodeURIComponent).join("/");
