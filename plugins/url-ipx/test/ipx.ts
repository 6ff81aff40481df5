import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Answer, answers, ask, freePort, startProgram } from "@mediatap/test";

const PROGRAM = join(import.meta.dirname, "../../../test/services/node_modules/ipx/bin/ipx.mjs");

/** Calls `tests` where IPX is installed; else reports what is missing, which fails in CI. */
export function withIpx(tests: () => void): void {
  if (existsSync(PROGRAM)) {
    tests();
    return;
  }
  console.log("Skipping IPX: run `npm ci` in test/services to compare with it.");
  describe("IPX", () => {
    it("is installed", function () {
      if (process.env.CI === "true") throw new Error("IPX is missing: run `npm ci` in test/services");
      this.skip();
    });
  });
}

/** IPX as its command serves a folder. */
export interface Ipx {
  /** `url`: modifiers and path, without a prefix. */
  ask(url: string, headers?: Readonly<Record<string, string>>): Promise<Answer>;
  close(): Promise<void>;
}

export async function startIpx(folder: string): Promise<Ipx> {
  const port = await freePort();
  const args = [PROGRAM, "serve", "--dir", folder, "--port", String(port), "--host", "127.0.0.1"];
  const running = await startProgram(process.execPath, args, () => answers(`http://127.0.0.1:${port}/`), {
    ...process.env,
    NODE_OPTIONS: "",
  });
  return { ask: (url, headers = {}) => ask(port, url, { headers }), close: () => running.stop() };
}
