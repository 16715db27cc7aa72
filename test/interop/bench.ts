// One daemon, where it runs, and what we and it know of each other.

import { ExecaError } from 'execa'
import type { PathAttributes } from '../../src/bgp/wire/message.ts'
import type { Address } from '../../src/inet/address.ts'
import type { Prefix } from '../../src/inet/prefix.ts'
import {
  type Adapter,
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
  ): Promise<PathAttributes> {
    await this.up(name)
    return eventually(otherwise, () => this.#ours(name).received(this.peer(name), prefix))
  }

  async theySee(name: SessionName, prefix: Prefix): Promise<Seen> {
    await this.up(name)
    return eventually('our route does not arrive', () => this.theyHave(name, prefix))
  }

  /** At this moment. */
  theyHave(name: SessionName, prefix: Prefix): Promise<Seen | undefined> {
    return this.adapter.route(this.plan, this.neighbor(name), prefix)
  }

  #ours(name: SessionName): Ours {
    return sessionOf(name).other ? this.#world.other : this.#world.us
  }
}

export function demand(what: string, found: unknown, wanted: unknown): void {
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    throw new Error(`${what}: ${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`)
}
