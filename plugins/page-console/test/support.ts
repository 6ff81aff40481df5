import { cacheMemory } from "@mediatap/cache-memory";
import type { MediatapConfig } from "@mediatap/core";
import { imageSharp } from "@mediatap/image-sharp";
import { storageWeb } from "@mediatap/storage-web";
import {
  type Answer,
  type AskOptions,
  makePng,
  type StartOptions,
  startOrigin,
  startServer,
  type TestServer,
  type WebOrigin,
} from "@mediatap/test";
import { timing } from "@mediatap/timing";
import { urlImagekit } from "@mediatap/url-imagekit";
import { type PageConsoleOptions, pageConsole } from "../src/index.ts";

export const KEY = "private_dummy-key-of-the-server-0123456789";
export const SHOP_KEY = "private_dummy-key-of-the-shop-0123456789";

/** A picture with a gradient, so that a format matters. */
const picture = makePng(600, 400, (x, y) => [x % 256, y % 256, (x * y) % 256, 255]);

export interface Console {
  readonly server: TestServer;
  readonly origin: WebOrigin;
  close(): Promise<void>;
}

/** A server with a console, and an account beside the server's own. */
export async function startConsole(
  options: PageConsoleOptions = {},
  more: MediatapConfig = {},
  start: StartOptions = {},
): Promise<Console> {
  const origin = await startOrigin({
    "a.png": picture,
    "broken.png": { answer: (_, response) => response.writeHead(500).end() },
    "folder/page.html": Buffer.from("<script>only text</script>"),
  });
  const site = { type: "WEB_FOLDER", baseUrl: origin.url };
  const plugins = [
    urlImagekit(),
    storageWeb(),
    imageSharp(),
    cacheMemory(),
    timing(),
    pageConsole(options),
    ...(more.plugins ?? []),
  ];
  const config: MediatapConfig = {
    origins: { site },
    endpoints: {
      default: { origins: ["site"], privateKey: KEY },
      closed: { origins: ["site"], privateKey: KEY, restrictUnsigned: "all" },
    },
    namedTransformations: { thumb: "w-150,h-100", tiny: "w-20" },
    tenants: {
      shop: { origins: { site }, endpoints: { default: { origins: ["site"] } }, privateKey: SHOP_KEY },
    },
    ...more,
    plugins,
  };
  const server = await startServer(config, start);
  return {
    server,
    origin,
    async close() {
      await server.close();
      await origin.close();
    },
  };
}

export interface Client {
  readonly cookie: string;
  readonly csrf: string;
  ask(path: string, options?: AskOptions): Promise<Answer>;
}

/** Signs in as a browser does. */
export async function signIn({ ask }: TestServer, key = KEY): Promise<Client> {
  const answer = await ask("/-/console/session", { method: "POST", body: JSON.stringify({ key }) });
  const cookie = (answer.headers["set-cookie"] ?? "").split(";")[0] as string;
  const { csrf } = JSON.parse(answer.text) as { csrf: string };
  return {
    cookie,
    csrf,
    ask: (path, options = {}) =>
      ask(path, { ...options, headers: { cookie, "x-csrf-token": csrf, ...options.headers } }),
  };
}
