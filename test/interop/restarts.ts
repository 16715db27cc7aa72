// Graceful restart (RFC 4724), in stages: routes stay while one side is away, and what it does not announce again goes
// when it is back. We restart for all daemons at once, each daemon for itself.

import { type Bench, demand, type World } from './bench.ts'
import { eventually, forAll } from './daemon.ts'
import type { Ours, Said } from './ours.ts'
import { OURS, type SessionName } from './sessions.ts'

const WE_RESTART = { name: 'graceful restart, it helps', standard: 'RFC 4724 §4.2' }
const IT_RESTARTS = { name: 'graceful restart, we help', standard: 'RFC 4724 §4.1' }
/** What is tried here. */
export const RESTARTS = [WE_RESTART, IT_RESTARTS]

const WITH: readonly SessionName[] = ['external', 'external6', 'internal']

/** `again` makes us anew, announcing nothing yet. */
export async function weRestart(world: World, benches: readonly Bench[], again: () => Ours): Promise<void> {
  const stage = (tryWith: (bench: Bench, name: SessionName) => Promise<void>) =>
    Promise.all(
      benches.map((bench) =>
        bench.judge({ ...WE_RESTART, tryWith: (of) => forAll(WITH, (name) => tryWith(of, name)) }),
      ),
    )
  await stage(theyHaveAll)
  await world.us.stop()
  await stage(async (bench, name) => {
    await eventually(
      'does not notice',
      async () => !(await bench.adapter.established(bench.plan, bench.neighbor(name))),
    )
    await theyStillHave(bench, name, 'while we are away')
  })
  world.us = again()
  await stage(async (bench, name) => {
    await bench.up(name)
    await theyStillHave(bench, name, 'when we are back')
  })
  world.us.originate([...Object.values(OURS.stays), OURS.tagged])
  world.us.restarted()
  await stage(async (bench, name) => {
    const { family } = bench.neighbor(name)
    await eventually('keeps what is gone', async () => !(await bench.theyHave(name, OURS.goes[family])))
    demand('has what stays', (await bench.theyHave(name, OURS.stays[family])) !== undefined, true)
  })
}

export function itRestarts(bench: Bench): Promise<void> {
  return bench.judge({ ...IT_RESTARTS, tryWith: () => restartIt(bench) })
}

async function restartIt(bench: Bench): Promise<void> {
  const weHave = (name: SessionName, which: 'stays' | 'goes') => {
    const prefix = bench.place[which][bench.neighbor(name).family]
    return bench.us.received(bench.peer(name), prefix) !== undefined
  }
  await forAll(WITH, async (name) => {
    await bench.weSee(name, bench.place.stays[bench.neighbor(name).family])
    demandForwarding(await bench.said(name))
  })
  await bench.kill()
  await forAll(WITH, async (name) => {
    await eventually('the session stays', () => !bench.isUp(name))
    demand('kept while it is away', weHave(name, 'stays') && weHave(name, 'goes'), true)
  })
  await bench.restart()
  await forAll(WITH, async (name) => {
    await bench.up(name)
    await eventually('its End-of-RIB does not come', () => !weHave(name, 'goes'))
    demand('kept when it is back', weHave(name, 'stays'), true)
  })
}

async function theyHaveAll(bench: Bench, name: SessionName): Promise<void> {
  const { family } = bench.neighbor(name)
  await bench.theySee(name, OURS.stays[family])
  await bench.theySee(name, OURS.goes[family])
}

async function theyStillHave(bench: Bench, name: SessionName, when: string): Promise<void> {
  const { family } = bench.neighbor(name)
  for (const prefix of [OURS.stays[family], OURS.goes[family]])
    if (!(await bench.theyHave(name, prefix))) throw new Error(`forgets ${prefix} ${when}`)
}

/** It says that its routes stay. */
function demandForwarding({ open }: Said): void {
  const said = open!.capabilities.find((capability) => capability.code === 'graceful-restart')
  if (!said) throw new Error('not offered')
  if (said.families.length === 0) throw new Error('offers End-of-RIB only')
}
