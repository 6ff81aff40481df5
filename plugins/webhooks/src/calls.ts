import { type Endpoint, MediaError, type PluginApi } from "@mediatap/core";
import { describeCall } from "@mediatap/core/state";
import { z } from "zod";
import { type Delivery, deliverySchema } from "./deliveries.ts";
import type { Sender } from "./send.ts";

const PATH = "/v1/webhooks/deliveries";
const LIST = "webhooks:deliveries";
const RETRY = "webhooks:retry";

/** Deliveries in one response. */
const MAX_LISTED = 200;

/**
 * Adds `GET …/v1/webhooks/deliveries`, which lists the last deliveries of all workers of the machine, the newest first, and
 * `POST …/v1/webhooks/deliveries/<id>/retry`, which sends a failed event again. A key has access to those of its endpoints.
 */
export function addCalls(
  { manage, hooks, cluster: { bus } }: Pick<PluginApi, "manage" | "hooks" | "cluster">,
  plugin: string,
  senders: readonly Sender[],
): void {
  const own = () => senders.flatMap((sender) => sender.deliveries());
  const retry = (id: string) => senders.some((sender) => sender.retry(id));
  let ends: readonly (() => void)[] = [];
  hooks.start.tap(plugin, () => {
    ends = [bus.answer(LIST, own), bus.subscribe(RETRY, (id) => void retry(String(id)))];
  });
  hooks.stop.tap(plugin, () => {
    for (const end of ends) end();
  });

  async function listed(endpoints: readonly Endpoint[]): Promise<Delivery[]> {
    const all = [...own(), ...((await bus.ask(LIST)) as Delivery[][]).flat()];
    return all
      .filter(({ tenant, endpoint }) =>
        endpoints.some((one) => one.tenant === tenant && one.name === endpoint),
      )
      .sort((a, b) => (a.time < b.time ? 1 : -1))
      .slice(0, MAX_LISTED);
  }

  manage("GET", PATH, async (_, endpoints) => ({ body: { deliveries: await listed(endpoints) } }), {
    role: "read",
    describe: describeCall("List the last webhooks that were sent, newest first", {
      response: z.object({ deliveries: z.array(deliverySchema) }),
    }),
  });
  manage(
    "POST",
    `${PATH}/:id/retry`,
    async ({ params: { id = "" } }, endpoints, rights) => {
      const found = (await listed(endpoints)).find((delivery) => delivery.id === id);
      if (!found) throw new MediaError("ENOENT", "There is no delivery with this id.");
      if (found.state !== "failed")
        throw new MediaError("EINVAL", "Expected a delivery that has failed.", { status: 409 });
      rights.note(`the webhook ${found.type} of ${found.path} was sent again to ${found.receiver}`);
      if (!retry(id)) await bus.publish(RETRY, id);
      return { status: 202, body: { id } };
    },
    {
      role: "operate",
      describe: describeCall("Send a webhook again that has failed", {
        status: 202,
        response: z.object({ id: z.string() }),
      }),
    },
  );
}
