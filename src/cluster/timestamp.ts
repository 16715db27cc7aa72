// Moments as Kubernetes and Calico write them: RFC 3339, UTC, to the second.

/** `at` in milliseconds since 1970. */
export function timestamp(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}
