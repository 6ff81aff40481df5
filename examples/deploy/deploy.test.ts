import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_LIMITS } from "@mediatap/core";
import { startOrigin } from "@mediatap/test";
import { parse, parseAllDocuments } from "yaml";
import { pixelsOf, plainPicture, serveExample } from "../serve.ts";

const ROOT = join(import.meta.dirname, "../..");
const read = (name: string) => readFile(join(import.meta.dirname, name), "utf8");

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly lifecycle: { readonly preStop: { readonly sleep: { readonly seconds: number } } };
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
}

interface Pod {
  readonly terminationGracePeriodSeconds: number;
  readonly containers: readonly [Container];
  readonly volumes: readonly { readonly name: string }[];
}

interface Compose {
  readonly services: {
    readonly mediatap: {
      readonly build: { readonly context: string; readonly dockerfile: string };
      readonly volumes: readonly string[];
      readonly stop_grace_period: string;
    };
  };
  readonly volumes: object;
}

describe("example: into operation", () => {
  it("has a configuration that serves pictures of a web server, and answers the probes", async () => {
    const cache = await mkdtemp(join(tmpdir(), "mediatap-deploy-"));
    const origin = await startOrigin({ "a.png": await plainPicture(40, 20, "red") });
    const { CACHE_DIR, ORIGIN_URL } = process.env;
    Object.assign(process.env, { CACHE_DIR: cache, ORIGIN_URL: origin.url });
    const server = await serveExample(import.meta.dirname);
    for (const [name, value] of Object.entries({ CACHE_DIR, ORIGIN_URL })) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
    try {
      const { width } = await pixelsOf((await server.ask("/tr:w-20/a.png")).body);
      assert.equal(width, 20);
      const { containers } = await pod();
      const { startupProbe, livenessProbe, readinessProbe } = containers[0];
      for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
        assert.equal((await server.ask(httpGet.path)).status, 200);
        assert(containers[0].ports.some(({ name }) => name === httpGet.port));
      }
    } finally {
      await server.close();
      await origin.close();
      await rm(cache, { recursive: true });
    }
  });

  it("names files that there are", async () => {
    const dockerfile = await read("Dockerfile");
    for (const [, source = ""] of dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm)) {
      assert(existsSync(join(ROOT, source)), source);
    }
    const bin = /"\/app\/([^"]+\.js)"/.exec(dockerfile)?.[1] ?? "none";
    assert(existsSync(join(ROOT, bin)), bin);
    const { services, volumes } = parse(await read("compose.yaml")) as Compose;
    const { build } = services.mediatap;
    assert.equal(join(import.meta.dirname, build.context), ROOT);
    assert(existsSync(join(ROOT, build.dockerfile)));
    for (const volume of services.mediatap.volumes) {
      const [from = ""] = volume.split(":");
      assert(from.startsWith(".") ? existsSync(join(import.meta.dirname, from)) : from in volumes, from);
    }
  });

  it("waits for the end of the server longer than this takes", async () => {
    const { terminationGracePeriodSeconds, containers, volumes } = await pod();
    const { lifecycle, volumeMounts } = containers[0];
    const drain = DEFAULT_LIMITS.drain / 1000;
    assert(terminationGracePeriodSeconds > lifecycle.preStop.sleep.seconds + drain);
    const { services } = parse(await read("compose.yaml")) as Compose;
    assert(Number.parseInt(services.mediatap.stop_grace_period, 10) > drain);
    for (const { name } of volumeMounts) assert(volumes.some((volume) => volume.name === name));
  });
});

async function pod(): Promise<Pod> {
  const documents = parseAllDocuments(await read("kubernetes.yaml"));
  for (const { errors } of documents) assert.deepEqual(errors, []);
  return documents[0]?.toJS().spec.template.spec as Pod;
}
