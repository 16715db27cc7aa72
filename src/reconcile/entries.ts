// What is wanted and what the kernel holds: one record for each key, found once for all that is to be done with it.

import type { Kind } from './kind.ts'
import type { Waiting } from './line.ts'

/** What is known of one key. */
export interface Entry<T> extends Waiting {
  readonly key: string
  readonly wanted: T | undefined
  /** What we believe the kernel holds. */
  readonly actual: T | undefined
  /** The kernel is known to hold what is wanted. */
  readonly inForce: boolean
}

export interface InForceChange {
  readonly key: string
  readonly inForce: boolean
}

/** What others have for reading. */
interface Mutable<T> extends Entry<T> {
  wanted: T | undefined
  actual: T | undefined
  inForce: boolean
  /** `inForce` as it was told last. */
  told: boolean
  /** So many questions to the kernel are about it. Until they are answered the record stays that of its key. */
  asked: number
}

export class Entries<T> {
  readonly #kind: Pick<Kind<T>, 'same' | 'device'>
  /** Of each key that is wanted, that the kernel holds, or whose end is still to be told. */
  readonly #byKey = new Map<string, Mutable<T>>()
  /** Those the kernel holds something of, by the interface that hangs on. */
  readonly #byDevice = new Map<string, Set<Entry<T>>>()
  /** Those that came into force or out of it since this was last asked. Some may have turned back, or be here twice. */
  #turned: Mutable<T>[] = []
  readonly #count = { wanted: 0, inForce: 0 }

  constructor(kind: Pick<Kind<T>, 'same' | 'device'>) {
    this.#kind = kind
  }

  /** How many are wanted, and how many of these in force. */
  get count(): { readonly wanted: number; readonly inForce: number } {
    return this.#count
  }

  /** For a look only. */
  get(key: string): Entry<T> {
    return this.#byKey.get(key) ?? nothing(key)
  }

  /** To be given to `want`, `believe` or `hold` at once: until then it may be the record of a key of which nothing is known. */
  of(key: string): Entry<T> {
    const known = this.#byKey.get(key)
    if (known) return known
    const entry = nothing<T>(key)
    this.#byKey.set(key, entry)
    return entry
  }

  values(): IterableIterator<Entry<T>> {
    return this.#byKey.values()
  }

  /** What hangs on an interface. */
  on(device: string): Entry<T>[] {
    return [...(this.#byDevice.get(device) ?? [])]
  }

  deviceOf(item: T | undefined): string | undefined {
    return item && this.#kind.device?.(item)
  }

  want(entry: Entry<T>, item: T | undefined): void {
    const own = entry as Mutable<T>
    this.#count.wanted += Number(item !== undefined) - Number(own.wanted !== undefined)
    own.wanted = item
    this.#settle(own)
  }

  believe(entry: Entry<T>, item: T | undefined): void {
    const own = entry as Mutable<T>
    const [from, to] = [this.deviceOf(own.actual), this.deviceOf(item)]
    own.actual = item
    if (from !== to) {
      if (from !== undefined) this.#unhang(own, from)
      if (to !== undefined) this.#hang(own, to)
    }
    this.#settle(own)
  }

  /** The kernel is being asked to change what it holds of this key: until it is released as often the record stays. */
  hold(entry: Entry<T>): void {
    const own = entry as Mutable<T>
    own.asked++
  }

  release(entry: Entry<T>): void {
    const own = entry as Mutable<T>
    own.asked--
    this.#forgetIfOver(own)
  }

  /** Those that came into force or out of it since the last call: there and back is no news. */
  takeTurned(): readonly InForceChange[] {
    const changes: InForceChange[] = []
    const turned = this.#turned
    this.#turned = []
    for (const entry of turned) {
      const { key, inForce } = entry
      if (inForce === entry.told) continue
      entry.told = inForce
      changes.push({ key, inForce })
      this.#forgetIfOver(entry)
    }
    return changes
  }

  #hang(entry: Entry<T>, device: string): void {
    const others = this.#byDevice.get(device)
    if (others) others.add(entry)
    else this.#byDevice.set(device, new Set([entry]))
  }

  #unhang(entry: Entry<T>, device: string): void {
    const all = this.#byDevice.get(device)!
    all.delete(entry)
    if (all.size === 0) this.#byDevice.delete(device)
  }

  #settle(entry: Mutable<T>): void {
    const inForce = this.#isInForce(entry)
    if (entry.inForce !== inForce) {
      entry.inForce = inForce
      this.#count.inForce += inForce ? 1 : -1
      this.#turned.push(entry)
    }
    this.#forgetIfOver(entry)
  }

  #isInForce({ wanted, actual }: Entry<T>): boolean {
    if (wanted === undefined || actual === undefined) return false
    return wanted === actual || this.#kind.same(wanted, actual)
  }

  #forgetIfOver({ key, wanted, actual, told, asked }: Mutable<T>): void {
    if (!wanted && !actual && !told && asked === 0) this.#byKey.delete(key)
  }
}

function nothing<T>(key: string): Mutable<T> {
  const [wanted, actual, line] = [undefined, undefined, undefined]
  return { key, wanted, actual, line, inForce: false, told: false, asked: 0 }
}
