import type { Asset } from "@mediatap/core";
import { LRUCache } from "lru-cache";
import type { Event, EventName } from "./event.ts";

/** Deliveries that are remembered, for each receiver. */
const MAX_REMEMBERED = 200;

/** An event on its way to a receiver, or what became of it. */
export interface Delivery {
  readonly id: string;
  readonly type: EventName;
  /** Host of the receiver: its path may hold secrets. */
  readonly receiver: string;
  /** Path of the original. */
  readonly path: string;
  readonly tenant: string;
  readonly endpoint: string;
  /** When the event happened, ISO 8601. */
  readonly time: string;
  /** `retrying`: it was not taken, and is sent again. */
  state: "waiting" | "retrying" | "delivered" | "failed";
  tries: number;
  /** Why it was not taken the last time. */
  reason?: string;
}

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
