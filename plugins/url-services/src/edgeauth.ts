import { createHmac } from "node:crypto";
import { decimal, lenient, printNumber, type SignatureScheme } from "@mediatap/core/language";

const TOKEN = /(?:^|&)token=([^&]*)/;

const without = (query: string) => query.replace(TOKEN, "").replace(/^&/, "");

/** The fields of a token: `exp=…~acl=…~hmac=…`. */
const fieldOf = (token: string, name: string) =>
  token
    .split("~")
    .find((field) => field.startsWith(`${name}=`))
    ?.slice(name.length + 1);

/** As received; one that was encoded wholly is decoded. */
function tokenOf(query: string): string {
  const [, token = ""] = TOKEN.exec(query) ?? [];
  return token.includes("~") ? token : lenient(token);
}

const withToken = (query: string, token: string) => {
  const plain = without(query);
  return token === "" ? plain : `${plain === "" ? "" : `${plain}&`}token=${token}`;
};

/** Whether an access control list contains a path: `*` at the end of an entry stands for anything. */
const contains = (list: string, path: string) =>
  [path, lenient(path)].some((one) =>
    list
      .split("!")
      .some((entry) => (entry.endsWith("*") ? one.startsWith(entry.slice(0, -1)) : one === entry)),
  );

/** As EdgeAuth escapes what it signs. */
const escaped = (text: string) =>
  encodeURIComponent(text)
    .replace(/[~'*]/g, (character) => `%${character.charCodeAt(0).toString(16)}`)
    .replace(/%../g, (code) => code.toLowerCase());

/** https://uploadcare.com/docs/security/secure-delivery/: tokens of Akamai's EdgeAuth. The signature is `hmac`, the rest stays in the URL. */
export const SIGNATURE: SignatureScheme = {
  find({ path, query }) {
    const token = tokenOf(query);
    const signature = fieldOf(token, "hmac");
    if (signature === undefined) return undefined;
    const fields = token.split("~").filter((field) => !field.startsWith("hmac="));
    return { url: { path, query: withToken(query, fields.join("~")) }, signature };
  },
  sign({ path, query }, key) {
    const token = tokenOf(query);
    const names = token.split("~").map((field) => field.split("=")[0]);
    const isKnown = names.every((name) => name === "exp" || name === "acl");
    if (!isKnown || !/^\d+$/.test(fieldOf(token, "exp") ?? "")) return [];
    const secret = Buffer.from(key, /^(?:[0-9a-f]{2})+$/i.test(key) ? "hex" : "utf8");
    const hmac = (text: string) => createHmac("sha256", secret).update(text).digest("hex");
    if (names.includes("acl")) {
      return [token, lenient(token)]
        .filter((text) => contains(fieldOf(text, "acl") ?? "", `/${path}`))
        .map(hmac);
    }
    // Without a list, the path is part of what is signed: as it is, or escaped.
    return [`/${path}`, escaped(`/${path}`)].map((signed) => hmac(`${token}~url=${signed}`));
  },
  put: ({ url: { path, query }, signature }) => ({
    path,
    query: withToken(query, `${tokenOf(query)}~hmac=${signature}`),
  }),
  expiryOf: ({ query }) => {
    const token = tokenOf(query);
    return token === "" ? undefined : (decimal(fieldOf(token, "exp") ?? "") ?? 0);
  },
  withExpiry: ({ path, query }, expires) => ({
    path,
    query:
      expires === undefined ? without(query) : withToken(query, `exp=${printNumber(expires)}~acl=/${path}`),
  }),
};
