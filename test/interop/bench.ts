// One daemon, where it runs, and what we and it know of each other.

import { ExecaError } from 'execa'
import type { PathAttributes } from '../../src/bgp/wire/message.ts'
import type { Address } from '../../src/inet/address.ts'
import type { Prefix } from '../../src/inet/prefix.ts'
import {
  type Adapter,
  ask,
  eventually,
  type Neighbor,
  type Plan,
  type Running,
  type Seen,
  start,
} from './daemon.ts'
import type { Feature } from './features.ts'
import type { Ours, Said } from './ours.ts'
import { neighbor, type Place, SESSIONS, type SessionName, sessionOf } from './sessions.ts'

/** Our side, which is another after our restart. */
export interface World {
  us: Ours
  readonly other: Ours
}

export class Bench {
  readonly adapter: Adapter
  readonly place: Place
  /** By feature, `yes` or why not. */
  readonly verdicts = new Map<string, string>()
  plan: Plan
  readonly #world: World
  #running: Running | undefined

  constructor(adapter: Adapter, place: Place, where: Pick<Plan, 'namespace' | 'directory'>, world: World) {
    const { asn, routerId, clusterId, stays, goes, largeCommunity } = place
    const announce = (['ipv4', 'ipv6'] as const).flatMap((family) => [
      { family, prefix: stays[family], largeCommunity },
      { family, prefix: goes[family] },
    ])
    const neighbors = SESSIONS.map((session) => neighbor(session, place))
    this.adapter = adapter
    this.place = place
    this.plan = { ...where, asn, routerId, clusterId, neighbors, announce, restarting: false }
    this.#world = world
  }

  get us(): Ours {
    return this.#world.us
  }

  async start(): Promise<void> {
    this.#running = await start(this.adapter, this.plan)
  }

  /** Ends the daemon without a word to anybody. */
  async kill(): Promise<void> {
    await this.#running?.kill()
    this.#running = undefined
  }

  /** As after a crash: it announces less than before. */
  async restart(): Promise<void> {
    const { goes } = this.place
    const announce = this.plan.announce.filter(({ prefix, family }) => prefix !== goes[family])
    this.plan = { ...this.plan, announce, restarting: true }
    await this.start()
  }

  async judge({ name, tryWith }: Pick<Feature, 'name' | 'tryWith'>): Promise<void> {
    if (this.verdicts.get(name)?.startsWith('no')) return
    const verdict = await tryWith(this).then(
      () => 'yes',
      (error: Error) => {
        if (error instanceof ExecaError) throw error // it was asked wrongly
        return `no: ${error.message}`
      },
    )
    this.verdicts.set(name, verdict)
  }

  /** How we know the other end of a session. */
  peer(name: SessionName): Address {
    return this.place.theirs(sessionOf(name))
  }

  neighbor(name: SessionName): Neighbor {
    return neighbor(sessionOf(name), this.place)
  }

  isUp(name: SessionName): boolean {
    return this.#ours(name).view(this.peer(name)).state === 'Established'
  }

  /** Waits for the session. */
  async up(name: SessionName): Promise<void> {
    await eventually('', () => this.isUp(name)).catch(() => {
      throw new Error(`no session: ${this.#ours(name).view(this.peer(name)).lastError}`)
    })
  }

  async said(name: SessionName): Promise<Said> {
    await this.up(name)
    return this.#ours(name).said(this.peer(name))
  }

  async weSee(
    name: SessionName,
    prefix: Prefix,
    otherwise = 'its route does not arrive',
    deadline?: number,
  ): Promise<PathAttributes> {
    await this.up(name)
    return eventually(otherwise, () => this.#ours(name).received(this.peer(name), prefix), deadline)
  }

  async theySee(name: SessionName, prefix: Prefix): Promise<Seen> {
    await this.up(name)
    return eventually('our route does not arrive', () => this.theyHave(name, prefix))
  }

  /** At this moment. */
  async theyHave(name: SessionName, prefix: Prefix): Promise<Seen | undefined> {
    const [first] = await this.theyHaveAll(name, prefix)
    return first
  }

  /** At this moment, of a session that may have several. */
  theyHaveAll(name: SessionName, prefix: Prefix): Promise<readonly Seen[]> {
    return this.adapter.routes(this.plan, this.neighbor(name), prefix)
  }

  /** No packet of the session comes from there as long as this lasts. */
  async whileCut(name: SessionName, what: () => Promise<void>): Promise<void> {
    await this.#dropAnswers('-A', name)
    await what().finally(() => this.#dropAnswers('-D', name))
  }

  /** Not by a route: BFD names the interface its packets leave by. */
  async #dropAnswers(change: '-A' | '-D', name: SessionName): Promise<void> {
    const { family, remote } = this.neighbor(name)
    const iptables = family === 'ipv4' ? 'iptables' : 'ip6tables'
    await ask(this.plan, iptables, '-w', change, 'OUTPUT', '-d', remote, '-j', 'DROP')
  }

  #ours(name: SessionName): Ours {
    return sessionOf(name).other ? this.#world.other : this.#world.us
  }
}

export function demand(what: string, found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
}
