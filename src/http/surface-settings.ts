/** What routes and their schemas depend on. */
export interface SurfaceSettings {
  /** minutes that a hold lasts where the request does not say */
  readonly reservationExpiryMinutes: number;
  /** minutes that a hold for a user's cart lasts */
  readonly cartReservationMinutes: number;
  /** minutes that a hold lives at most, however often it is extended */
  readonly reservationMaxMinutes: number;
  /** free units at or below which a product without a threshold of its own is low */
  readonly lowStockThreshold: number;
  /** whether webhooks may go to private addresses, and by http */
  readonly webhookAllowPrivate: boolean;
}
