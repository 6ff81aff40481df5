import { answers, freePort, type Program, startProgram } from "./programs.ts";
import type { S3Service } from "./radosgw.ts";

/** A stand-in for S3 that knows all conditions. It takes any credentials. */
export const MOTO: Program = {
  path: "/usr/bin/moto_server",
  packages: ["python3-moto", "python3-flask-cors"],
};

/** Starts moto on a port of its own; it keeps everything in memory. */
export async function startMoto(): Promise<S3Service> {
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const program = await startProgram(MOTO.path, ["-H", "127.0.0.1", "-p", String(port)], () =>
    answers(endpoint),
  );
  return { endpoint, port, accessKey: "any", secretKey: "any", close: program.stop };
}
