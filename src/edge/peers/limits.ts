// What peers and strangers can make us hold or do, at most.

export interface Limits {
  /** Connections made by one address that are open at a time, those about to close included. */
  readonly acceptedPerAddress: number
  /** Connections accepted in a second, from one peer's address and from all of them. Strangers do not count: they could lock peers out. */
  readonly acceptsPerSecond: { readonly perAddress: number; readonly overall: number }
  /** Bytes that wait for a peer that does not read; with more, the connection is closed. */
  readonly writeBuffer: number
  /** Milliseconds a connection is given to bring out its last message, as BIRD does. */
  readonly linger: number
  /** The same when we stop: shorter than the patience of whoever stops us. */
  readonly farewell: number
  /** Milliseconds between tries to listen. */
  readonly listenRetry: number
}

export const LIMITS: Limits = {
  acceptedPerAddress: 16,
  acceptsPerSecond: { perAddress: 8, overall: 1000 },
  writeBuffer: 64 * 1024 * 1024,
  linger: 10_000,
  farewell: 1_000,
  listenRetry: 5_000,
}
