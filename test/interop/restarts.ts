// Graceful restart (RFC 4724), in stages: routes stay while one side is away, and what it does not announce again goes
// when it is back. What is reflected stays for good (RFC 4456). We restart for all daemons at once, each daemon for itself.

import type { Prefix } from '../../src/inet/prefix.ts'
import { type Bench, demand, type World } from './bench.ts'
import { eventually, forAll } from './daemon.ts'
import { IT_REFLECTS } from './features.ts'
import type { Ours, Said } from './ours.ts'
import { OTHERS, OURS, type SessionName, sessionOf } from './sessions.ts'

interface Restart {
  readonly name: string
  readonly standard: string
  readonly with: readonly SessionName[]
}

const PLAIN = ['external', 'external6', 'internal'] as const
const CLIENT = ['client', 'client6'] as const
const REFLECTOR = ['reflector'] as const

const WE_RESTART: readonly Restart[] = [
  { name: 'graceful restart, it helps', standard: 'RFC 4724 §4.2', with: PLAIN },
  { name: 'graceful restart of our reflector, its client helps', standard: 'RFC 4724 §4.2', with: CLIENT },
  { name: 'graceful restart of our client, its reflector helps', standard: 'RFC 4724 §4.2', with: REFLECTOR },
]
const IT_RESTARTS: readonly Restart[] = [
  { name: 'graceful restart, we help', standard: 'RFC 4724 §4.1', with: PLAIN },
  { name: 'graceful restart of its client, our reflector helps', standard: 'RFC 4724 §4.1', with: CLIENT },
  { name: 'graceful restart of its reflector, our client helps', standard: 'RFC 4724 §4.1', with: REFLECTOR },
]
/** What is tried here. */
export const RESTARTS = [...WE_RESTART, ...IT_RESTARTS]

type TryWith = (bench: Bench, name: SessionName) => Promise<void>

/** Each of the rows, as far as they have held until now. */
function stage(restarts: readonly Restart[], bench: Bench, tryWith: TryWith): Promise<unknown> {
  return Promise.all(
    restarts.map(({ name, with: sessions }) =>
      bench.judge({ name, tryWith: (of) => forAll(sessions, (session) => tryWith(of, session)) }),
    ),
  )
}

/** `again` makes us anew, announcing nothing yet. */
export async function weRestart(world: World, benches: readonly Bench[], again: () => Ours): Promise<void> {
  const all = (tryWith: TryWith) => Promise.all(benches.map((bench) => stage(WE_RESTART, bench, tryWith)))
  await all(theyHaveAll)
  await world.us.stop()
  await all(async (bench, name) => {
    await eventually(
      'does not notice',
      async () => !(await bench.adapter.established(bench.plan, bench.neighbor(name))),
    )
    await theyStillHave(bench, name, 'while we are away')
  })
  world.us = again()
  await all(async (bench, name) => {
    await bench.up(name)
    await theyStillHave(bench, name, 'when we are back')
  })
  world.us.originate([...Object.values(OURS.stays), OURS.tagged])
  world.us.restarted()
  await all(async (bench, name) => {
    const { stay, go } = ofUs(name)
    await eventually('keeps what is gone', async () => !(await bench.theyHave(name, go)))
    for (const prefix of stay)
      demand('has what stays', (await bench.theyHave(name, prefix)) !== undefined, true)
  })
}

export async function itRestarts(bench: Bench): Promise<void> {
  await stage(IT_RESTARTS, bench, weHaveAll)
  await bench.kill()
  await stage(IT_RESTARTS, bench, async (_, name) => {
    await eventually('the session stays', () => !bench.isUp(name))
    weStillHave(bench, name, 'while it is away')
  })
  await bench.restart()
  await stage(IT_RESTARTS, bench, async (_, name) => {
    const { stay, go } = ofIt(bench, name)
    await bench.up(name)
    await eventually('its End-of-RIB does not come', () => !weHave(bench, name, go))
    for (const prefix of stay) demand('kept when it is back', weHave(bench, name, prefix), true)
  })
}

/** What is announced again after a restart, and what is not. */
interface Announced {
  readonly stay: readonly Prefix[]
  readonly go: Prefix
}

function ofUs(name: SessionName): Announced {
  const { family, reflector } = sessionOf(name)
  const reflected = reflector === 'we' ? [OTHERS.toUs[family]] : []
  return { stay: [OURS.stays[family], ...reflected], go: OURS.goes[family] }
}

function ofIt({ place }: Bench, name: SessionName): Announced {
  const { family, reflector } = sessionOf(name)
  const reflected = reflector === 'they' ? [OTHERS.toThem] : []
  return { stay: [place.stays[family], ...reflected], go: place.goes[family] }
}

async function theyHaveAll(bench: Bench, name: SessionName): Promise<void> {
  const { stay, go } = ofUs(name)
  for (const prefix of [...stay, go]) await bench.theySee(name, prefix)
}

async function theyStillHave(bench: Bench, name: SessionName, when: string): Promise<void> {
  const { stay, go } = ofUs(name)
  for (const prefix of [...stay, go])
    if (!(await bench.theyHave(name, prefix))) throw new Error(`forgets ${prefix} ${when}`)
}

async function weHaveAll(bench: Bench, name: SessionName): Promise<void> {
  if (sessionOf(name).reflector === 'they' && bench.verdicts.get(IT_REFLECTS) !== 'yes')
    throw new Error('does not reflect')
  demandForwarding(await bench.said(name))
  const { stay, go } = ofIt(bench, name)
  for (const prefix of [...stay, go]) await bench.weSee(name, prefix)
}

function weStillHave(bench: Bench, name: SessionName, when: string): void {
  const { stay, go } = ofIt(bench, name)
  demand(
    `kept ${when}`,
    [...stay, go].every((prefix) => weHave(bench, name, prefix)),
    true,
  )
}

function weHave(bench: Bench, name: SessionName, prefix: Prefix): boolean {
  return bench.us.received(bench.peer(name), prefix) !== undefined
}

/** It says that its routes stay. */
function demandForwarding({ open }: Said): void {
  const said = open!.capabilities.find((capability) => capability.code === 'graceful-restart')
  if (!said) throw new Error('not offered')
  if (said.families.length === 0) throw new Error('offers End-of-RIB only')
}
