import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_LIMITS } from "@mediatap/core";
import { describeWith, startOrigin } from "@mediatap/test";
import { parse, parseAllDocuments } from "yaml";
import { pixelsOf, plainPicture, serveExample, withEnvironment } from "../serve.ts";

const FOLDER = import.meta.dirname;
const ROOT = join(FOLDER, "../..");
const KUSTOMIZE = { path: "/usr/bin/kustomize", packages: ["kustomize"] };
const read = (name: string) => readFile(join(FOLDER, name), "utf8");

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
  readonly volumes: readonly { readonly name: string; readonly configMap?: { readonly name: string } }[];
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

describe("example: deployment", () => {
  it("serves images of a web server, answers the probes, and shows metrics to the token's owner", async () => {
    const cache = await mkdtemp(join(tmpdir(), "mediatap-deploy-"));
    const origin = await startOrigin({ "a.png": await plainPicture(40, 20, "red") });
    const token = "token-for-the-test";
    const server = await withEnvironment(
      { CACHE_DIR: cache, ORIGIN_URL: origin.url, METRICS_TOKEN: token },
      () => serveExample(FOLDER),
    );
    try {
      const { width } = await pixelsOf((await server.ask("/tr:w-20/a.png")).body);
      assert.equal(width, 20);
      const { containers } = await pod();
      const { startupProbe, livenessProbe, readinessProbe } = containers[0];
      for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
        assert.equal((await server.ask(httpGet.path)).status, 200);
        assert(containers[0].ports.some(({ name }) => name === httpGet.port));
      }
      assert.equal((await server.ask("/-/metrics")).status, 401);
      const { status, text } = await server.ask("/-/metrics", { authorization: `Bearer ${token}` });
      assert.equal(status, 200);
      assert.match(text, /^mediatap_requests_total\{.*status="2xx".*\} 1$/m);
    } finally {
      await server.close();
      await origin.close();
      await rm(cache, { recursive: true });
    }
  });

  it("names files that exist, and installs what videos need", async () => {
    const dockerfile = await read("Dockerfile");
    for (const [, source = ""] of dockerfile.matchAll(/^COPY (?!--from)(\S+) /gm)) {
      assert(existsSync(join(ROOT, source)), source);
    }
    assert.match(dockerfile, /apt-get install .*\bffmpeg\b/);
    const bin = /"\/app\/node_modules\/mediatap\/([^"]+\.js)"/.exec(dockerfile)?.[1] ?? "none";
    assert(existsSync(join(ROOT, "presets/mediatap", bin)), bin);
    const { services, volumes } = parse(await read("compose.yaml")) as Compose;
    const { build } = services.mediatap;
    assert.equal(join(FOLDER, build.context), ROOT);
    assert(existsSync(join(ROOT, build.dockerfile)));
    for (const volume of services.mediatap.volumes) {
      const [from = ""] = volume.split(":");
      assert(from.startsWith(".") ? existsSync(join(FOLDER, from)) : from in volumes, from);
    }
  });

  it("waits longer than the server needs to stop", async () => {
    const { terminationGracePeriodSeconds, containers, volumes } = await pod();
    const { lifecycle, volumeMounts } = containers[0];
    const drain = DEFAULT_LIMITS.drain / 1000;
    assert(terminationGracePeriodSeconds > lifecycle.preStop.sleep.seconds + drain);
    const { services } = parse(await read("compose.yaml")) as Compose;
    assert(Number.parseInt(services.mediatap.stop_grace_period, 10) > drain);
    for (const { name } of volumeMounts) assert(volumes.some((volume) => volume.name === name));
  });

  describeWith(KUSTOMIZE, "its Kubernetes manifests", () => {
    interface Manifest {
      readonly kind: string;
      readonly metadata: { readonly name: string };
      readonly data?: Readonly<Record<string, string>>;
      // biome-ignore lint/suspicious/noExplicitAny: each kind has its own fields
      readonly spec: any;
    }
    let manifests: ReadonlyMap<string, Manifest>;
    before(() => {
      const text = execFileSync(KUSTOMIZE.path, ["build", FOLDER], { encoding: "utf8" });
      manifests = new Map(
        parseAllDocuments(text)
          .map((document) => document.toJS() as Manifest)
          .map((manifest) => [manifest.kind, manifest]),
      );
    });
    const the = (kind: string) => manifests.get(kind) ?? assert.fail(`no ${kind}`);

    it("contain the configuration", async () => {
      const name = "mediatap.config.mjs";
      assert.deepEqual(the("ConfigMap").data, { [name]: await read(name) });
      const { volumes } = the("Deployment").spec.template.spec as Pod;
      assert(volumes.some(({ configMap }) => configMap?.name === the("ConfigMap").metadata.name));
    });

    it("point to each other", () => {
      const deployment = the("Deployment");
      const labels = deployment.spec.template.metadata.labels;
      const service = the("Service");
      for (const kind of ["Service", "PodDisruptionBudget", "ServiceMonitor"]) {
        const { selector } = the(kind).spec;
        assert.deepEqual(selector.matchLabels ?? selector, labels, kind);
      }
      const ports = service.spec.ports.map(({ name }: { name: string }) => name);
      const [{ backend }] = the("Ingress").spec.rules[0].http.paths;
      assert.equal(backend.service.name, service.metadata.name);
      assert(ports.includes(backend.service.port.name));
      assert(ports.includes(the("ServiceMonitor").spec.endpoints[0].port));
      assert.equal(the("HorizontalPodAutoscaler").spec.scaleTargetRef.name, deployment.metadata.name);
      assert.equal(deployment.spec.replicas, undefined);
    });
  });
});

async function pod(): Promise<Pod> {
  const documents = parseAllDocuments(await read("kubernetes/base/deployment.yaml"));
  for (const { errors } of documents) assert.deepEqual(errors, []);
  return documents[0]?.toJS().spec.template.spec as Pod;
}
