import type { Asset } from "@mediatap/core";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { EVENTS, type Event } from "./event.ts";

/** Deliveries that are stored for each receiver. */
const MAX_DELIVERIES = 200;

export const deliverySchema = z.object({
  id: z.string(),
  type: z.enum(EVENTS),
  /** Host of the receiver: its path can contain secrets. */
  receiver: z.string(),
  /** Path of the original. */
  path: z.string(),
  tenant: z.string(),
  endpoint: z.string(),
  /** When the event happened. */
  time: z.iso.datetime(),
  /** `retrying`: it was not accepted and will be sent again. */
  state: z.enum(["waiting", "retrying", "delivered", "failed"]),
  tries: z.int(),
  /** Why it was not accepted the last time. */
  reason: z.string().optional(),
});

/** The state of an event for one receiver. */
export type Delivery = z.output<typeof deliverySchema>;

interface EventDelivery {
  readonly delivery: Delivery;
  readonly event: Event;
}

export type Owner = Pick<Asset, "tenant" | "endpoint" | "path">;

/** The last deliveries to one receiver; `index`: of the receiver, for ids. */
export function createDeliveries(receiver: string, index: number) {
  const deliveries = new LRUCache<string, EventDelivery>({ max: MAX_DELIVERIES });
  return {
    add(event: Event, { tenant, endpoint, path }: Owner): Delivery {
      const delivery: Delivery = {
        ...{ id: `${event.id}-${index}`, type: event.type, receiver, path, tenant, endpoint },
        ...{ time: event.created_at, state: "waiting", tries: 0 },
      };
      deliveries.set(delivery.id, { delivery, event });
      return delivery;
    },
    list: (): Delivery[] => [...deliveries.values()].map(({ delivery }) => delivery),
    /** A failed delivery with its event, to send it again. */
    failed(id: string): EventDelivery | undefined {
      const entry = deliveries.get(id);
      return entry?.delivery.state === "failed" ? entry : undefined;
    },
  };
}
