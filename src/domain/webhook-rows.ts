import type { KeptWebhookEndpoint, WebhookDelivery } from './webhook-endpoint.js';

/** The endpoints and deliveries that commands name, locked. */
export interface LoadedWebhooks {
  readonly endpoints: readonly KeptWebhookEndpoint[];
  readonly deliveries: readonly WebhookDelivery[];
  /** of the stores in which any are to be made; their rows are locked */
  readonly counts: readonly { readonly storeId: number; readonly endpoints: number }[];
}

/** What a batch writes of them, by id: the last of several changes. */
export interface WebhookChanges {
  readonly created: Map<string, KeptWebhookEndpoint>;
  readonly changed: Map<string, KeptWebhookEndpoint>;
  readonly deleted: Set<string>;
  readonly retried: Map<string, WebhookDelivery>;
}

/** Endpoints and deliveries while a batch is decided on. */
export class WebhookRows {
  readonly changes: WebhookChanges = {
    created: new Map(),
    changed: new Map(),
    deleted: new Set(),
    retried: new Map(),
  };
  readonly #endpoints: Map<string, KeptWebhookEndpoint>;
  readonly #deliveries: Map<string, WebhookDelivery>;
  readonly #counts: Map<number, number>;

  constructor({ endpoints, deliveries, counts }: LoadedWebhooks) {
    this.#endpoints = new Map(endpoints.map((endpoint) => [endpoint.id, endpoint]));
    this.#deliveries = new Map(deliveries.map((delivery) => [delivery.id, delivery]));
    this.#counts = new Map(counts.map(({ storeId, endpoints }) => [storeId, endpoints]));
  }

  /** How many endpoints a store has. Throws where none are to be made in it. */
  count(storeId: number): number {
    const count = this.#counts.get(storeId);
    if (count === undefined) throw new Error(`the endpoints of store ${storeId} were not counted`);
    return count;
  }

  /** The endpoint, where it exists in the command's store. */
  endpoint(command: { storeId: number; endpointId: string }): KeptWebhookEndpoint | undefined {
    const endpoint = this.#endpoints.get(command.endpointId);
    return endpoint?.storeId === command.storeId ? endpoint : undefined;
  }

  /** The delivery, where it exists and is the endpoint's. */
  delivery(command: { endpointId: string; deliveryId: string }): WebhookDelivery | undefined {
    const delivery = this.#deliveries.get(command.deliveryId);
    return delivery?.endpointId === command.endpointId ? delivery : undefined;
  }

  create(endpoint: KeptWebhookEndpoint): void {
    this.#endpoints.set(endpoint.id, endpoint);
    this.changes.created.set(endpoint.id, endpoint);
    this.#counts.set(endpoint.storeId, this.count(endpoint.storeId) + 1);
  }

  change(endpoint: KeptWebhookEndpoint): void {
    const { created, changed } = this.changes;
    this.#endpoints.set(endpoint.id, endpoint);
    (created.has(endpoint.id) ? created : changed).set(endpoint.id, endpoint);
  }

  delete({ id, storeId }: KeptWebhookEndpoint): void {
    const count = this.#counts.get(storeId);
    if (count !== undefined) this.#counts.set(storeId, count - 1);
    this.#endpoints.delete(id);
    this.changes.created.delete(id);
    this.changes.changed.delete(id);
    this.changes.deleted.add(id);
  }

  retry(delivery: WebhookDelivery): void {
    this.#deliveries.set(delivery.id, delivery);
    this.changes.retried.set(delivery.id, delivery);
  }
}
