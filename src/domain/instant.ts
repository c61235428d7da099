/** A point in time: milliseconds since 1970-01-01T00:00:00Z. Rendered as ISO 8601 only at the edges. */
export type Instant = number;
