// The contract between the reconciler and one kind of kernel object.

/** An item the kernel (or the tool in front of it) would not take. */
export interface Refused {
  readonly key: string
  /** The kernel's own words. */
  readonly reason: string
  /** True when the cause is a race that heals itself (the device just went), so that nobody is alarmed. */
  readonly transient: boolean
}

/** What one kind of kernel object must be able to say about itself. */
export interface Kind<T> {
  /** `routes`, `neighbors`, `sysctls`: as shown in status, logs and metrics. */
  readonly name: string
  /** The kernel's own identity for it. */
  key(item: T): string
  /** Equal in everything the kernel holds; ignores `because`. */
  same(a: T, b: T): boolean
  /** Its events tell of what others do, and not of what we write ourselves. */
  readonly silent?: boolean
  /** What is asked comes about in the order in which it was asked, so there may be a second question before an answer. */
  readonly pipelined?: boolean
  /** The interface it hangs on. When that goes down or away the kernel drops the item without a word. */
  device?(item: T): string | undefined
  /** An item nobody asked for stays at least until then (milliseconds of the reconciler's clock). */
  keepUntil?(item: T): number
  /** All of ours that the kernel holds now. */
  read(): Promise<readonly T[]>
  /** Each as one batch, in order; refused items are named and do not stop the others. Putting twice succeeds. */
  put(items: readonly T[]): Promise<readonly Refused[]>
  /** Removing what is absent succeeds. */
  remove(items: readonly T[]): Promise<readonly Refused[]>
}

/** What an event says the kernel holds for a key now. */
export interface Seen<T> {
  readonly key: string
  readonly item: T | undefined
}
