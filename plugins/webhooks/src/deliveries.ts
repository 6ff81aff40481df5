import type { Asset } from "@mediatap/core";
import { LRUCache } from "lru-cache";
import { z } from "zod";
import { EVENTS, type Event } from "./event.ts";

/** Deliveries that are remembered, for each receiver. */
const MAX_REMEMBERED = 200;

export const deliverySchema = z.object({
  id: z.string(),
  type: z.enum(EVENTS),
  /** Host of the receiver: its path may hold secrets. */
  receiver: z.string(),
  /** Path of the original. */
  path: z.string(),
  tenant: z.string(),
  endpoint: z.string(),
  /** When the event happened. */
  time: z.iso.datetime(),
  /** `retrying`: it was not taken, and is sent again. */
  state: z.enum(["waiting", "retrying", "delivered", "failed"]),
  tries: z.int(),
  /** Why it was not taken the last time. */
  reason: z.string().optional(),
});

/** An event on its way to a receiver, or what became of it. */
export type Delivery = z.output<typeof deliverySchema>;

interface Kept {
  readonly delivery: Delivery;
  readonly event: Event;
}

export type Owner = Pick<Asset, "tenant" | "endpoint" | "path">;

/** The last deliveries to one receiver; `place`: of the receiver, for ids. */
export function createDeliveries(receiver: string, place: number) {
  const kept = new LRUCache<string, Kept>({ max: MAX_REMEMBERED });
  return {
    add(event: Event, { tenant, endpoint, path }: Owner): Delivery {
      const delivery: Delivery = {
        ...{ id: `${event.id}-${place}`, type: event.type, receiver, path, tenant, endpoint },
        ...{ time: event.created_at, state: "waiting", tries: 0 },
      };
      kept.set(delivery.id, { delivery, event });
      return delivery;
    },
    list: (): Delivery[] => [...kept.values()].map(({ delivery }) => delivery),
    /** One that has failed, with its event, to be sent again. */
    failed(id: string): Kept | undefined {
      const found = kept.get(id);
      return found?.delivery.state === "failed" ? found : undefined;
    },
  };
}
