import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Answer, answers, ask, freePort, startProgram } from "@mediatap/test";

const NEXT = join(import.meta.dirname, "../../../test/services/node_modules/next/package.json");

/** Calls `tests` where Next.js is installed; else reports what is missing, which fails in CI. */
export function withNext(tests: () => void): void {
  if (existsSync(NEXT)) {
    tests();
    return;
  }
  console.log("Skipping Next.js: run `npm ci` in test/services to compare with it.");
  describe("Next.js", () => {
    it("is installed", function () {
      if (process.env.CI === "true") throw new Error("Next.js is missing: run `npm ci` in test/services");
      this.skip();
    });
  });
}

/** Next's image optimiser. */
export interface Optimizer {
  ask(url: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  /** URLs that `next/image` writes for an image with these properties. */
  urls(properties: Readonly<Record<string, unknown>>): Promise<readonly string[]>;
  close(): Promise<void>;
}

/** `images`: of a `next.config.js`. */
export async function startOptimizer(folder: string, images: object): Promise<Optimizer> {
  const port = await freePort();
  const program = join(import.meta.dirname, "optimizer.mjs");
  const env = { ...process.env, NODE_OPTIONS: "", NODE_ENV: "production" };
  const running = await startProgram(
    process.execPath,
    [program, folder, String(port), JSON.stringify(images)],
    () => answers(`http://127.0.0.1:${port}/`),
    env,
  );
  return {
    ask: (url, headers = {}) => ask(port, url, { headers }),
    async urls(properties) {
      const { text } = await ask(port, `/urls?props=${encodeURIComponent(JSON.stringify(properties))}`);
      return JSON.parse(text) as string[];
    },
    close: () => running.stop(),
  };
}
