import { join } from "node:path";
import { createServer, findConfig, loadConfig } from "@mediatap/core/server";
import { ask } from "@mediatap/test";
import sharp from "sharp";

/** Serves an example's configuration, the usual one or that of a file, on a free port, for its test. */
export async function serveExample(folder: string, file?: string) {
  const found = await findConfig({
    cwd: folder,
    ...(file === undefined ? {} : { file: join(folder, file) }),
  });
  if (!found) throw new Error(`no configuration in ${folder}`);
  const quiet = { ...found.config, log: { level: "silent" as const } };
  const config = await loadConfig(quiet, { source: found.source, base: folder });
  const server = await createServer({ config });
  const { port } = await server.listen(0, "127.0.0.1");
  return {
    url: `http://127.0.0.1:${port}`,
    ask: (path: string, headers: Readonly<Record<string, string>> = {}) => ask(port, path, { headers }),
    close: () => server.close(),
  };
}

/** Decoded pixels of a picture. */
export async function pixelsOf(bytes: Uint8Array) {
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace("srgb")
    .raw()
    .toBuffer({ resolveWithObject: true });
  return {
    width: info.width,
    height: info.height,
    at: (x: number, y: number): number[] => {
      const start = (y * info.width + x) * info.channels;
      return [...data.subarray(start, start + 3)];
    },
  };
}

/** A PNG of one colour. */
export function plainPicture(width: number, height: number, background: string): Promise<Buffer> {
  return sharp({ create: { width, height, channels: 3, background } })
    .png()
    .toBuffer();
}

/** Runs `work` with these environment variables, and restores what was there. */
export async function withEnvironment<T>(
  variables: Record<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await work();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}
