import assert from "node:assert/strict";
import type { Plugin } from "@mediatap/core";
import { stateSqlite } from "@mediatap/state-sqlite";
import {
  echoEngine,
  freePort,
  jobLanguage,
  makeFolder,
  memoryStorage,
  passTime,
  resetTime,
  startServer,
  type TestFolder,
} from "@mediatap/test";
import { assertAccessible } from "../../../test/suites/support/axe.ts";
import { describeInBrowser } from "../../../test/suites/support/chromium.ts";
import { pageConsole } from "../src/index.ts";
import type { OidcOptions } from "../src/oidc.ts";
import { inBrowser } from "./browser.ts";
import { CLIENT_ID, CLIENT_SECRET, type Provider, startProvider } from "./provider.ts";
import { type Console, KEY, SHOP_KEY, signIn, startConsole } from "./support.ts";

const START = "/-/console/oidc";
const SESSION = "/-/console/session";
const HOST = "https://images.test";

const optionsFor = (issuer: string, more: Partial<OidcOptions> = {}): OidcOptions => ({
  issuer,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  redirectUri: `${HOST}${START}/callback`,
  roles: [
    { claim: "groups", value: "admins", role: "configure" },
    { claim: "groups", value: "support", role: "operate" },
    { claim: "groups", value: "shop", role: "configure", tenant: "shop" },
    { claim: "email", value: "eve@example.com", role: "read" },
  ],
  ...more,
});

describe("page-console: sign-in by OpenID Connect", () => {
  let provider: Provider;
  let folder: TestFolder;
  let console: Console;
  before(async () => {
    [provider, folder] = await Promise.all([startProvider(), makeFolder()]);
    const state = stateSqlite({ path: `${folder.path}/state.sqlite` });
    const calls: Plugin = {
      name: "calls",
      version: "1.0.0",
      apiVersion: 1,
      apply({ manage }) {
        const reply = () => ({ body: {} });
        manage("GET", "/v1/things", reply, { role: "read" });
        manage("POST", "/v1/things", reply, { role: "operate" });
        manage("PUT", "/v1/things", reply);
      },
    };
    console = await startConsole({ oidc: optionsFor(provider.issuer) }, { plugins: [state, calls] });
  });
  after(async () => {
    await console?.close();
    await provider?.close();
    await folder?.close();
  });
  beforeEach(() => {
    Object.assign(provider, { nonce: undefined, isForged: false, isAway: false });
    provider.claims = { sub: "ada", groups: ["admins"], email: "ada@example.com", email_verified: true };
  });
  afterEach(resetTime);

  const ask: Console["server"]["ask"] = (path, options) => console.server.ask(path, options);
  const cookieIn = (headers: Readonly<Record<string, string>>) =>
    (headers["set-cookie"] ?? "").split(";")[0] as string;

  /** To the provider and back, up to the callback. */
  async function leave() {
    const { status, headers } = await ask(START);
    assert.equal(status, 302);
    const back = await fetch(headers.location ?? "", { redirect: "manual" });
    const { origin, pathname, search } = new URL(back.headers.get("location") ?? "");
    assert.deepEqual([back.status, origin], [302, HOST]);
    return { cookie: cookieIn(headers), path: pathname + search };
  }
  const comeBack = ({ cookie, path }: { cookie: string; path: string }) => ask(path, { headers: { cookie } });

  async function signedIn() {
    const { status, headers } = await comeBack(await leave());
    assert.deepEqual([status, headers.location], [302, "/-/console"]);
    const cookie = cookieIn(headers);
    const account = JSON.parse((await ask(SESSION, { headers: { cookie } })).text);
    const call = (method: string, path: string, body?: string) =>
      ask(path, {
        method,
        headers: { cookie, "x-csrf-token": account.csrf },
        ...(body === undefined ? {} : { body }),
      });
    return { cookie, setCookie: headers["set-cookie"], account, call };
  }

  async function refused(leaving: { cookie: string; path: string }, status: number, message: RegExp) {
    const answer = await comeBack(leaving);
    assert.deepEqual([answer.status, answer.headers["set-cookie"]], [status, undefined]);
    assert.match(answer.text, message);
    assert.match(answer.headers["content-security-policy"] ?? "", /^default-src 'none'/);
    assert.doesNotMatch(answer.text, /localhost|code=|dummy/);
  }

  it("sends a browser to the provider, with state, nonce and PKCE", async () => {
    const { headers } = await ask(START);
    const { origin, pathname, searchParams } = new URL(headers.location ?? "");
    assert.deepEqual([origin, pathname], [provider.issuer, "/authorize"]);
    const { state, nonce, code_challenge, ...more } = Object.fromEntries(searchParams);
    for (const value of [state, nonce, code_challenge]) assert.match(value ?? "", /^[\w-]{43}$/);
    const { searchParams: next } = new URL((await ask(START)).headers.location ?? "");
    const others = ["state", "nonce", "code_challenge"].map((name) => next.get(name));
    assert.equal(new Set([state, nonce, code_challenge, ...others]).size, 6);
    assert.deepEqual(more, {
      client_id: CLIENT_ID,
      code_challenge_method: "S256",
      redirect_uri: `${HOST}${START}/callback`,
      response_type: "code",
      scope: "openid profile email",
    });
    assert.match(
      headers["set-cookie"] ?? "",
      /^mediatap_oidc=[\w.-]+; Path=\/-\/console\/oidc; Max-Age=600; HttpOnly; SameSite=Lax; Secure$/,
    );
    assert.equal(headers["cache-control"], "no-store");
    assert.equal(JSON.parse((await ask(SESSION)).text).provider, new URL(provider.issuer).host);
  });

  it("opens a session with the role and the account of a person, whose name the audit log contains", async () => {
    const { setCookie, account, call } = await signedIn();
    assert.match(
      setCookie ?? "",
      /^mediatap_console=[\w.-]+; Path=\/-\/console; Max-Age=43200; HttpOnly; SameSite=Strict; Secure$/,
    );
    assert.deepEqual(
      [account.isSignedIn, account.role, account.person],
      [true, "configure", "ada@example.com"],
    );
    assert.deepEqual(account.endpoints.map(({ name }: { name: string }) => name).sort(), [
      "closed",
      "default",
    ]);
    assert.match(provider.lastToken?.get("code_verifier") ?? "", /^[\w-]{43}$/);

    const created = await call(
      "POST",
      "/-/console/api/v1/keys",
      JSON.stringify({ name: "CI", role: "read" }),
    );
    assert.equal(created.status, 201, created.text);
    assert.equal((await call("PUT", "/-/console/api/v1/things")).status, 200);
    const { text } = await call("GET", "/-/console/api/v1/audit");
    const [second, first] = JSON.parse(text).entries;
    const key = { id: "oidc:ada", name: "ada@example.com" };
    assert.deepEqual([first.key, second.key, second.what], [key, key, "PUT /v1/things"]);
  });

  it("applies the role to each call", async () => {
    provider.claims = { sub: "bob", name: "Bob", groups: ["support"] };
    const { account, call } = await signedIn();
    assert.deepEqual([account.role, account.person], ["operate", "Bob"]);
    const statuses = await Promise.all(
      ["GET", "POST", "PUT"].map(async (method) => (await call(method, "/-/console/api/v1/things")).status),
    );
    assert.deepEqual(statuses, [200, 200, 403]);
  });

  it("demands the token of the session and the same site for changes", async () => {
    const { cookie, account } = await signedIn();
    const put = async (headers: Record<string, string>) =>
      (await ask("/-/console/api/v1/things", { method: "PUT", headers: { cookie, ...headers } })).status;
    const token = { "x-csrf-token": account.csrf };
    assert.equal(await put({}), 403);
    assert.equal(await put({ ...token, origin: "https://evil.test" }), 403);
    assert.equal(await put({ ...token, "sec-fetch-site": "cross-site" }), 403);
    assert.equal(await put(token), 200);
  });

  it("shows a person nothing of another account", async () => {
    provider.claims = { sub: "kim", groups: ["shop"] };
    const { account, call } = await signedIn();
    assert.deepEqual(
      account.endpoints.map(({ tenant }: { tenant: string }) => tenant),
      ["shop"],
    );
    assert.equal((await call("GET", "/-/console/data/answer?url=/a.png")).status, 403);
    const purge = JSON.stringify({ url: `${console.server.url}/a.png` });
    assert.equal((await call("POST", "/-/console/data/purge", purge)).status, 403);
    assert.equal((await call("GET", "/-/console/data/answer?url=/shop/a.png")).status, 200);
  });

  it("refuses a person without a role", async () => {
    for (const claims of [
      { sub: "eve" },
      { sub: "eve", groups: ["Admins", "admins2"], roles: ["admins"] },
      { sub: "eve", groups: { admins: "admins" } },
      { sub: "eve", groups: "admins shop" },
      { sub: "eve", email: "eve@example.com" },
      { sub: "eve", email: "eve@example.com", email_verified: "true" },
      { sub: "x".repeat(256), groups: ["admins"] },
    ]) {
      provider.claims = claims;
      await refused(await leave(), 403, /You have no role on this server/);
    }
    provider.claims = { sub: "eve", email: "eve@example.com", email_verified: true };
    assert.equal((await signedIn()).account.role, "read");
  });

  it("refuses another state, and a sign-in that another browser has started, without asking the provider", async () => {
    const [one, other] = [await leave(), await leave()];
    const before = provider.requests.length;
    await refused({ ...one, path: one.path.replace(/state=[\w-]+/, "state=x") }, 403, /Expected the state/);
    await refused({ ...one, path: one.path.replace(/&state=[\w-]+/, "") }, 403, /Expected the state/);
    await refused({ cookie: other.cookie, path: one.path }, 403, /Expected the state/);
    await refused({ ...one, cookie: "" }, 401, /has expired, or another browser/);
    await refused({ ...one, cookie: one.cookie.replace(/\d+$/, "99999999999") }, 403, /Expected the state/);
    passTime(601_000);
    await refused(one, 401, /has expired, or another browser/);
    assert.equal(provider.requests.length, before);
  });

  it("refuses another nonce, a forged token and one for somebody else", async () => {
    const denied = async () => refused(await leave(), 401, /did not confirm this sign-in/);
    provider.nonce = "x".repeat(43);
    await denied();
    provider.nonce = undefined;
    provider.isForged = true;
    await denied();
    provider.isForged = false;
    for (const wrong of [{ aud: "another" }, { iss: "https://evil.test" }, { exp: 1 }]) {
      provider.claims = { sub: "ada", groups: ["admins"], ...wrong };
      await denied();
    }
  });

  it("refuses an expired code, a used one, none, and what the provider refuses", async () => {
    const message = /did not confirm this sign-in/;
    const late = await leave();
    provider.expireCodes();
    await refused(late, 401, message);
    const used = await leave();
    assert.equal((await comeBack(used)).status, 302);
    await refused(used, 401, message);
    const bare = await leave();
    await refused({ ...bare, path: bare.path.replace(/code=\w+&/, "") }, 401, message);
    const error = bare.path.replace(/code=\w+/, "error=access_denied&error_description=<script>");
    await refused({ ...bare, path: error }, 401, message);
  });

  it("ends a session with its time, and refuses a changed cookie", async () => {
    const { cookie, call } = await signedIn();
    const [id = "", ...rest] = cookie.replace("mediatap_console=", "").split(".");
    const forge = (text: string) =>
      `mediatap_console=${[`oidc-${Buffer.from(text).toString("base64url")}`, ...rest].join(".")}`;
    for (const changed of [
      forge('[0,"ada","root"]'),
      forge('[2,"ada","ada@example.com"]'),
      forge('[9,"ada","ada@example.com"]'),
      forge("{"),
      cookie.replace(id, "oidc-"),
    ]) {
      const { status } = await ask("/-/console/data/recent", { headers: { cookie: changed } });
      assert.equal(status, 401, changed);
    }
    assert.equal((await call("GET", "/-/console/data/recent")).status, 200);
    passTime(13 * 3600 * 1000);
    assert.equal((await call("GET", "/-/console/data/recent")).status, 401);
  });

  it("ends a session when the rules change, and lets keys sign in beside it", async () => {
    const { cookie } = await signedIn();
    const isOpen = async ({ server }: Console) =>
      JSON.parse((await server.ask(SESSION, { headers: { cookie } })).text).isOpen;
    const roles = [{ claim: "groups", value: "support", role: "read" }] as const;
    const same = await startConsole({ oidc: optionsFor(provider.issuer) });
    const other = await startConsole({ oidc: optionsFor(provider.issuer, { roles: [...roles] }) });
    try {
      assert.deepEqual([await isOpen(same), await isOpen(other)], [true, false]);
    } finally {
      await Promise.all([same.close(), other.close()]);
    }
    for (const key of [KEY, SHOP_KEY]) {
      const client = await signIn(console.server, key);
      const { isSignedIn, person } = JSON.parse((await client.ask(SESSION)).text);
      assert.deepEqual([isSignedIn, person], [true, undefined]);
    }
  });

  it("starts without its provider, reports that to whoever signs in, and recovers by itself", async () => {
    provider.isAway = true;
    const own = await startConsole({ oidc: optionsFor(provider.issuer) });
    try {
      const { status, text, headers } = await own.server.ask(START);
      assert.deepEqual([status, headers["retry-after"]], [503, "10"]);
      assert.match(text, /The sign-in provider is not available/);
      assert.doesNotMatch(text, /localhost/);
      await signIn(own.server);
      provider.isAway = false;
      assert.equal((await own.server.ask(START)).status, 302);
    } finally {
      await own.close();
    }
    const leaving = await leave();
    provider.isAway = true;
    await refused(leaving, 503, /The sign-in provider is not available/);
  });
});

describe("page-console: options of OpenID Connect", () => {
  const good = optionsFor("https://accounts.example.com");

  it("names the field of a wrong option, and no secret", () => {
    for (const [more, message] of [
      [{ issuer: "http://accounts.example.com" }, /^page-console\.oidc\.issuer: Expected https URL/],
      [{ issuer: "https://user:pass@accounts.example.com" }, /^page-console\.oidc\.issuer: /],
      [{ clientId: "" }, /^page-console\.oidc\.clientId: /],
      [{ clientSecret: undefined }, /^page-console\.oidc\.clientSecret: .*environment variable/],
      [{ clientSecret: "short" }, /^page-console\.oidc\.clientSecret: Expected at least 16(?!.*short)/],
      [
        { redirectUri: "https://images.test/callback" },
        /^page-console\.oidc\.redirectUri: Expected https URL with/,
      ],
      [{ scope: "profile" }, /^page-console\.oidc\.scope: Expected scopes/],
      [{ roles: [] }, /^page-console\.oidc\.roles: /],
      [{ roles: [{ claim: "groups", value: "x", role: "admin" }] }, /^page-console\.oidc\.roles\.0\.role: /],
      [{ rolls: [] }, /^page-console\.oidc\.rolls: unknown field/],
    ] as const) {
      const oidc = { ...good, ...more } as OidcOptions;
      assert.throws(() => pageConsole({ oidc }), { code: "ECONFIG", message }, JSON.stringify(more));
    }
  });

  it("refuses a start with an account that the configuration does not contain", async () => {
    const roles = [{ claim: "groups", value: "x", role: "read", tenant: "shpo" }] as const;
    const plugins = [pageConsole({ oidc: { ...good, roles: [...roles] } })];
    const endpoints = { default: { origins: ["site"] } };
    const origins = { site: { type: "MEMORY" } };
    plugins.push(jobLanguage(), memoryStorage(Buffer.from("x")), echoEngine());
    await assert.rejects(startServer({ plugins, origins, endpoints }), {
      code: "ECONFIG",
      message: /page-console\.oidc\.roles\.0\.tenant: unknown tenant 'shpo'/,
    });
  });
});

describeInBrowser("page-console: sign-in by OpenID Connect in Chromium", () => {
  let provider: Provider;
  after(() => provider?.close());

  const browser = inBrowser(async () => {
    const [started, port] = await Promise.all([startProvider(), freePort()]);
    provider = started;
    provider.claims = {
      sub: "ada",
      preferred_username: `ada@${"long.".repeat(9)}example.com`,
      groups: ["support"],
    };
    const redirectUri = `http://127.0.0.1:${port}${START}/callback`;
    return startConsole({ oidc: optionsFor(provider.issuer, { redirectUri }) }, {}, { port });
  });
  const { until, text } = browser;

  it("returns from the provider, another site, with a session, and ends it by a button", async () => {
    const { page } = browser;
    await page.goto(`${browser.started.server.url}/-/console`);
    const link = `.sign-in a[href="${START}"]`;
    await until(`document.querySelector(${JSON.stringify(link)})`);
    assert.equal(await text(link), `Sign in with ${new URL(provider.issuer).host}`);
    await assertAccessible(page);
    await page.click(link);
    await until(`document.querySelector(".account button")`);
    assert.equal(await text(".account"), `${provider.claims.preferred_username} Sign out`);
    await browser.assertFits();
    await page.click(".account button");
    await until(`document.querySelector(${JSON.stringify(link)})`);
  });
});
