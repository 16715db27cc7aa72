// A kernel in memory for reconcilers: holds `key=value` items, refuses on demand, tells its events when asked to.

import type { TimerClock } from '../../src/reconcile/clock.ts'
import type { Kind, Refused } from '../../src/reconcile/kind.ts'
import { Reconciler, type ReconcilerOptions } from '../../src/reconcile/reconciler.ts'

export interface Item {
  readonly key: string
  readonly value: string
  readonly device?: string
}

/** `a=1` or `a=1 dev cali0`. */
export function item(text: string): Item {
  const [, key = '', value = '', device] = /^(\w+)=(\w+)(?: dev (\w+))?$/.exec(text)!
  return { key, value, ...(device !== undefined && { device }) }
}

export class FakeClock implements TimerClock {
  time = 0
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>()

  now(): number {
    return this.time
  }

  random(): number {
    return 0
  }

  after(ms: number, run: () => void): () => void {
    const timer = { at: this.time + ms, run }
    this.#timers.add(timer)
    return () => void this.#timers.delete(timer)
  }

  /** When the next timer fires. */
  next(): number | undefined {
    return [...this.#timers].map(({ at }) => at).sort((a, b) => a - b)[0]
  }

  /** What one timer takes back in time does not fire, be it due at the same moment. */
  advance(ms: number): void {
    this.time += ms
    const due = [...this.#timers].filter(({ at }) => at <= this.time)
    for (const timer of due) if (this.#timers.delete(timer)) timer.run()
  }
}

export class FakeKernel implements Kind<Item> {
  readonly name: string
  pipelined = false
  readonly held = new Map<string, Item>()
  /** What was asked of it: `put a=1`, `remove a=1`, `read`. */
  readonly calls: string[] = []
  /** Keys it will not take, and why. */
  readonly refuses = new Map<string, string>()
  /** Events not yet delivered, in order. An undefined item was deleted. */
  readonly events: { key: string; item: Item | undefined }[] = []
  keepUntil: (item: Item) => number = () => 0
  /** What it does at once is answered after this. */
  answering: Promise<void> = Promise.resolve()
  /** Called once, while the next write or read is under way. */
  meanwhile: () => void = () => {}

  constructor(name = 'items') {
    this.name = name
  }

  key({ key }: Item): string {
    return key
  }

  same(a: Item, b: Item): boolean {
    return a.value === b.value && a.device === b.device
  }

  device({ device }: Item): string | undefined {
    return device
  }

  async read(): Promise<readonly Item[]> {
    this.calls.push('read')
    const read = [...this.held.values()]
    this.#inBetween()
    return read
  }

  async put(items: readonly Item[]): Promise<readonly Refused[]> {
    const refused = items.flatMap((item) => this.#refuse(item) ?? this.change(item.key, item, 'put'))
    this.#inBetween()
    await this.answering
    return refused
  }

  async remove(items: readonly Item[]): Promise<readonly Refused[]> {
    const refused = items.flatMap((item) => this.#refuse(item) ?? this.change(item.key, undefined, 'remove'))
    this.#inBetween()
    await this.answering
    return refused
  }

  /** Makes `key` hold `item`, as a writer does; an identical replace makes no event. */
  change(key: string, item: Item | undefined, call?: string): [] {
    if (call) this.calls.push(`${call} ${key}${item ? `=${item.value}` : ''}`)
    const before = this.held.get(key)
    if (item) this.held.set(key, item)
    else this.held.delete(key)
    if (before !== item && !(before && item && this.same(before, item))) this.events.push({ key, item })
    return []
  }

  /** Delivers the events so far. */
  tell(to: Reconciler<Item>): void {
    for (const { key, item } of this.events.splice(0)) to.saw(key, item)
  }

  contents(): string[] {
    return [...this.held.values()].map(({ key, value }) => `${key}=${value}`).sort()
  }

  #inBetween(): void {
    const { meanwhile } = this
    this.meanwhile = () => {}
    meanwhile()
  }

  #refuse({ key }: Item): Refused[] | undefined {
    const reason = this.refuses.get(key)
    if (reason === undefined) return undefined
    this.calls.push(`refuse ${key}`)
    return [{ key, reason, transient: false }]
  }
}

export interface Bench {
  readonly kernel: FakeKernel
  readonly clock: FakeClock
  readonly reconciler: Reconciler<Item>
  want(...texts: string[]): void
  unwant(...keys: string[]): void
}

export function bench(...held: string[]): Bench {
  return benchOf({}, ...held)
}

export function benchOf(options: ReconcilerOptions, ...held: string[]): Bench {
  const kernel = new FakeKernel()
  for (const text of held) kernel.held.set(item(text).key, item(text))
  const clock = new FakeClock()
  const reconciler = new Reconciler(kernel, clock, options)
  return {
    kernel,
    clock,
    reconciler,
    want: (...texts) => {
      for (const text of texts) reconciler.want(item(text).key, item(text))
    },
    unwant: (...keys) => {
      for (const key of keys) reconciler.want(key, undefined)
    },
  }
}
