import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { LimitName, MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageAzure } from "@mediatap/storage-azure";
import { storageGcs } from "@mediatap/storage-gcs";
import { storageS3 } from "@mediatap/storage-s3";
import { storageWeb } from "@mediatap/storage-web";
import { startServer, type TestServer, until } from "@mediatap/test";
import { urlImagekit } from "@mediatap/url-imagekit";
import { FAULTS } from "../support/faults.ts";
import { GOOD, type HostileOrigin, pathOf, startHostile } from "../support/hostile.ts";
import { seen } from "../support/photos.ts";

/** Fields of an origin at an address, by its type. */
const TYPES = {
  WEB_FOLDER: (baseUrl: string) => ({ baseUrl }),
  WEB_PROXY: (baseUrl: string) => ({ ports: [Number(new URL(baseUrl).port || 80)] }),
  GCS: (endpoint: string) => ({ bucket: "secret-bucket", endpoint, anonymous: true }),
  AZURE_BLOB: (endpoint: string) => ({
    accountName: "secretaccount",
    container: "secret-container",
    sasToken: "?sv=2024-11-04&sig=secret",
    endpoint,
  }),
  S3_COMPATIBLE: (endpoint: string) => ({
    bucket: "secret-bucket",
    endpoint,
    accessKey: "secret-access",
    secretKey: "secret-key",
    s3ForcePathStyle: true,
  }),
};
type Type = keyof typeof TYPES;

/** Longer than anything takes that ends by itself, on any machine. */
const LONG_MS = 60_000;
const SHORT_MS = 300;

/** A request: what the origin does, for an origin of which type, and whether the file is asked for as it is. */
interface Case {
  readonly fault: string;
  readonly type: Type;
  readonly asFile: boolean;
}

/** A server with a short time limit, and what only that limit ends. Everything else ends by itself, however slow the machine is. */
interface Timed {
  readonly limits?: Partial<Record<LimitName, number>>;
  /** Milliseconds for a whole file. */
  readonly timeout?: number;
  ends(request: Case): boolean;
}

const TIMED: readonly Timed[] = [
  {
    limits: { originConnect: SHORT_MS },
    ends: ({ fault }) => ["host does not respond", "TLS handshake stalls"].includes(fault),
  },
  {
    limits: { originFirstByte: SHORT_MS },
    ends: ({ fault }) => ["no response in time", "header stalls", "endless status line"].includes(fault),
  },
  {
    limits: { originIdle: SHORT_MS },
    ends: ({ fault }) => ["body stalls", "body never begins", "endless chunk extension"].includes(fault),
  },
  {
    // Long enough for the head of an answer, which must have come.
    timeout: 3_000,
    ends: ({ fault, asFile }) =>
      ["header arrives byte by byte", "body arrives byte by byte"].includes(fault) ||
      (asFile && ["body never ends", "Content-Length over the limit"].includes(fault)),
  },
];

/** A server for all that ends by itself. */
const UNTIMED: Timed = { ends: (request) => !TIMED.some(({ ends }) => ends(request)) };

/** What a client meets: a status, with its code where it is an error; or a truncated response. */
interface Met {
  /** Asked for smaller. */
  readonly picture: string;
  /** Asked for as it is. */
  readonly file: string;
}

interface Row {
  readonly fault: string;
  readonly met: Met;
  readonly but: ReadonlyMap<string, Met>;
}

/** The table of HTTP origins in core/ERRORS.md. */
function readTable(): Row[] {
  const text = readFileSync(new URL("../../../core/ERRORS.md", import.meta.url), "utf8");
  const lines =
    /^\| Fault +\| Image [^\n]*\n\| -+ \|[^\n]*\n((?:\|[^\n]*\n)+)/m.exec(text)?.[1]?.trim().split("\n") ??
    [];
  return lines.map((line) => {
    const [fault = "", picture = "", file = "", but = ""] = line
      .replaceAll("`", "")
      .split("|")
      .slice(1)
      .map((cell) => cell.trim());
    return { fault, met: { picture, file: file || picture }, but: readExceptions(but) };
  });
}

/** `GCS, WEB_PROXY: 404 EACCES; S3_COMPATIBLE: 400 UNIDENTIFIED / 200`. */
function readExceptions(cell: string): Map<string, Met> {
  const entries = cell === "" ? [] : cell.split(";");
  return new Map(
    entries.flatMap((entry) => {
      const [types = "", met = ""] = entry.split(":");
      const [picture = "", file = picture] = met.split("/").map((text) => text.trim());
      return types.split(",").map((type) => [type.trim(), { picture, file }] as const);
    }),
  );
}

describe("the table of errors", () => {
  const rows = readTable();
  const types = Object.keys(TYPES) as Type[];
  const endpointOf = (type: Type, fault: string) =>
    `${type.toLowerCase().replace("_", "-")}-${Object.keys(FAULTS).indexOf(fault)}`;
  let hostile: HostileOrigin;
  const servers = new Map<Timed, TestServer>();

  const baseOf = (fault: string) => {
    const what = FAULTS[fault];
    return typeof what === "string" ? hostile.places[what] : `http://127.0.0.1:${hostile.port}`;
  };

  before(async () => {
    hostile = await startHostile();
    for (const timed of [...TIMED, UNTIMED]) servers.set(timed, await startServer(config(timed)));
  });
  after(async () => {
    await Promise.all(Array.from(servers.values(), (server) => server.close()));
    await hostile.close();
  });

  /** An origin for each type and fault: none is skipped because another one failed. */
  function config({ limits, timeout = LONG_MS, ends }: Timed): MediatapConfig {
    const isEnded = (type: Type, fault: string) =>
      [true, false].some((asFile) => ends({ type, fault, asFile }));
    const places = types.flatMap((type) =>
      ["status 404", GOOD, ...Object.keys(FAULTS).filter((fault) => isEnded(type, fault))].map(
        (fault) => [endpointOf(type, fault), { type, ...TYPES[type](baseOf(fault)) }] as const,
      ),
    );
    const endpoints = places.map(([name]) => [name, { origins: [name] }] as const);
    const settings = { retries: 0, timeout };
    return {
      plugins: [
        urlImagekit(),
        storageWeb(settings),
        storageGcs(settings),
        storageAzure(settings),
        storageS3(settings),
        imageSharp(),
      ],
      origins: Object.fromEntries(places),
      endpoints: {
        ...Object.fromEntries(endpoints),
        default: { origins: [endpointOf("WEB_FOLDER", "status 404")] },
      },
      network: { allow: ["127.0.0.1", "192.0.2.1"] },
      limits: {
        originConnect: LONG_MS,
        originFirstByte: LONG_MS,
        originIdle: LONG_MS,
        originTotal: LONG_MS,
        imageBytes: 1_000_000,
        ...limits,
      },
    };
  }

  const timedFor = (request: Case) =>
    [...TIMED, UNTIMED].find(({ ends }) => ends(request)) ?? assert.fail(`nothing ends ${request.fault}`);
  const serverOf = (timed: Timed) => servers.get(timed) ?? assert.fail("it has no server");

  async function meet(request: Case): Promise<string> {
    const { fault, type, asFile } = request;
    const path = type === "WEB_PROXY" ? `${baseOf(fault)}/${pathOf(fault)}` : pathOf(fault);
    const answer = await serverOf(timedFor(request))
      .ask(`/${endpointOf(type, fault)}/${asFile ? "tr:orig-true" : "tr:w-20"}/${path}`)
      .catch(() => undefined);
    if (!answer) return "truncated";
    const { status, headers, text } = answer;
    const said = `${JSON.stringify(headers)} ${status < 400 ? "" : text}`;
    assert.doesNotMatch(
      said,
      /127\.0\.0\.1|192\.0\.2|169\.254|\.invalid|example\.com|intranet|secret|hunter2|passwd|node_modules/,
      `${type} leaks`,
    );
    if (status < 400) return String(status);
    return `${status} ${headers["ik-error"]?.split(" ")[0]}`;
  }

  /** A proper picture of the same place, over connections that the fault may have spoilt. */
  async function meetGood(request: Case): Promise<void> {
    const { type } = request;
    const path = type === "WEB_PROXY" ? `http://127.0.0.1:${hostile.port}/${GOOD}` : GOOD;
    const timed = timedFor(request);
    const ask = () => serverOf(timed).ask(`/${endpointOf(type, GOOD)}/tr:w-20/${path}`);
    const served = async () => {
      const answer = await ask();
      return answer.status === 200 && answer;
    };
    // A busy machine may be slower than a short limit.
    const good = await (timed === UNTIMED ? ask() : until(served, "it is served"));
    assert.equal(good.status, 200, `${type}: ${good.headers["ik-error"]}`);
    assert.equal((await seen(good.body)).height, 10);
  }

  it("names every fault that is known here, once", () => {
    assert.deepEqual(rows.map(({ fault }) => fault).sort(), Object.keys(FAULTS).sort());
  });

  it("makes exceptions for types that there are", () => {
    for (const { but } of rows) for (const type of but.keys()) assert(types.includes(type as Type), type);
  });

  for (const { fault, met, but } of rows) {
    it(`is right about: ${fault}`, async () => {
      const found = await Promise.all(
        types.map(async (type) => {
          const [picture, file] = await Promise.all([
            meet({ fault, type, asFile: false }),
            meet({ fault, type, asFile: true }),
          ]);
          return [type, { picture, file }] as const;
        }),
      );
      const expected = types.map((type) => [type, but.get(type) ?? met]);
      assert.deepEqual(Object.fromEntries(found), Object.fromEntries(expected));
      await Promise.all(types.map((type) => meetGood({ fault, type, asFile: false })));
      await until(() => hostile.open(fault) === 0, "no connection is left open");
    });
  }
});
