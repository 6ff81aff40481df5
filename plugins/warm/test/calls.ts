import { type TestServer, until } from "@mediatap/test";
import type { Progress } from "../src/batch.ts";

export const KEY = "private_warm";

export const authorization = (key: string) => `Basic ${Buffer.from(`${key}:`).toString("base64")}`;

/** The calls of one server, by one key. */
export function callsOf(server: Pick<TestServer, "ask">, key = KEY) {
  const headers = { authorization: authorization(key) };
  const post = (body: object, path = "") =>
    server.ask(`/-/api/v1/warm${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const tell = async (id: string): Promise<Progress> =>
    JSON.parse((await server.ask(`/-/api/v1/warm/${id}`, { headers })).text);
  return {
    post,
    preview: (body: object) => post(body, "/preview"),
    tell,
    /** All batches that the key may see. */
    async list(): Promise<readonly (Progress & { readonly id: string; readonly added: string })[]> {
      return JSON.parse((await server.ask("/-/api/v1/warm", { headers })).text).batches;
    },
    /** Asks for URLs, and waits until each is done or has failed. */
    async warm(urls: readonly string[], more: object = {}): Promise<Progress> {
      const { status, text } = await post({ urls, ...more });
      if (status !== 202) throw new Error(`${status}: ${text}`);
      const { id } = JSON.parse(text);
      return await until(async () => {
        const progress = await tell(id);
        return progress.done + progress.failed === progress.total && progress;
      }, "all are done");
    },
  };
}
