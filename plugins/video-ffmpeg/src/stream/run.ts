import { MediaError } from "@mediatap/core";
import { type Command, start } from "../process/command.ts";

/** Bytes of one segment, at most. */
const MOST = 256 * 1024 * 1024;

/** Runs a program that writes one file to standard output, and to each further pipe one. */
export async function collectAll(command: Command): Promise<readonly Buffer[]> {
  const { stdout, pipes, done, kill } = start(command);
  try {
    const files = await Promise.all(
      [stdout, ...pipes].map(async (pipe) => {
        const chunks: Buffer[] = [];
        let length = 0;
        for await (const chunk of pipe as AsyncIterable<Buffer>) {
          length += chunk.length;
          if (length > MOST) throw new MediaError("ELIMIT", "The result is too large");
          chunks.push(chunk);
        }
        return Buffer.concat(chunks, length);
      }),
    );
    await done;
    return files;
  } finally {
    kill();
  }
}
