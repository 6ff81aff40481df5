import { MediaError, type PluginApi, type RuntimeInfo } from "@mediatap/core";
import { describeCall } from "@mediatap/core/state";
import { z } from "zod";
import type { QueueClient } from "./client.ts";

const responseSchema = z.object({
  workers: z.int().optional(),
  waiting: z.int().optional(),
  active: z.int().optional(),
  failed: z.int().optional(),
});

/**
 * Adds `GET …/v1/queue`: connected workers, and jobs by their states. The queue is the server's: only a key that is valid for all endpoints
 * may see it.
 */
export function addCalls(
  { manage, hooks }: Pick<PluginApi, "manage" | "hooks">,
  plugin: string,
  clientOf: () => QueueClient | undefined,
): void {
  let runtime: RuntimeInfo | undefined;
  hooks.start.tap(plugin, (started) => {
    runtime = started;
  });
  manage(
    "GET",
    "/v1/queue",
    async (_, endpoints) => {
      const isOperator = runtime?.endpoints.every((one) =>
        endpoints.some(({ tenant, name }) => tenant === one.tenant && name === one.name),
      );
      if (!isOperator) throw new MediaError("EFORBIDDEN", "Expected a key that is valid for all endpoints.");
      const client = clientOf();
      try {
        const [workers, counts] = await Promise.all([client?.workers(), client?.counts()]);
        return { body: { workers, ...counts } };
      } catch (cause) {
        throw new MediaError("EBUSY", "The queue cannot be reached", { cause, retryAfterSeconds: 5 });
      }
    },
    {
      role: "read",
      describe: describeCall("Workers and jobs of the queue", { response: responseSchema }),
    },
  );
}
