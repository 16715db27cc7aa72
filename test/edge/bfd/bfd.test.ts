// BFD with a real BIRD 2 over a real link: up, failures, ends by will, hops, and packets from strangers.

import { execFile, execFileSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { Bfd } from '../../../src/edge/bfd/bfd.ts'
import type { BfdTarget } from '../../../src/edge/bfd/target.ts'
import { createLog } from '../../../src/edge/observe/log.ts'
import { systemClock } from '../../../src/edge/system-clock.ts'
import { address } from '../../../src/inet/address.ts'
import { enter, namespaces, startBird } from '../../kit/bird.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { FakeClock } from '../../kit/reconciler.ts'
import { until } from '../../kit/until.ts'

/** Not execFileSync for what takes longer: BFD is not to be held up. */
const run = promisify(execFile)

const log = createLog({ node: 'test', level: 'silent' })

const SETTINGS = { intervalMs: 200, multiplier: 3 }

const v4: BfdTarget = {
  ...SETTINGS,
  address: address('192.0.2.1'),
  localAddress: address('192.0.2.2'),
  multihop: false,
}
const v6: BfdTarget = { ...v4, address: address('fd00::1'), localAddress: address('fd00::2') }
const far: BfdTarget = { ...v4, address: address('198.51.100.1'), multihop: true }
const linkLocal: BfdTarget = { ...SETTINGS, address: address('fe80::1'), zone: 'eth0', multihop: false }

const TARGETS = { v4, v6, far, linkLocal }

/** By hand: version 1, diagnostic, state, three may go missing; another discriminator than BIRD's, and none of ours. */
const PACKETS = {
  down: '20400318 0000ffff 00000000 000f4240 000f4240 00000000',
  adminDown: '27000318 0000ffff 00000000 000f4240 000f4240 00000000',
}

/** BIRD's side of a session. */
function neighbor({ address, localAddress, zone, multihop }: BfdTarget): string {
  const theirs = multihop ? `local ${address} multihop on` : `dev "eth0"${zone ? ' local fe80::1' : ''}`
  return `neighbor ${zone ? 'fe80::2' : localAddress} ${theirs};`
}

function birdConf(targets: readonly BfdTarget[]): string {
  const interval = 'interval 200 ms; idle tx interval 1 s; multiplier 3;'
  return `protocol bfd watch {
    interface "*" { ${interval} };
    multihop { ${interval} };
    ${targets.map(neighbor).join('\n')}
  }`
}

t.test('BFD with BIRD', needsRoot, async (t) => {
  const name = namespaces(t, {
    bird: [
      'link add eth0 type veth peer name eth0 netns us',
      'link set eth0 up',
      'addr add 192.0.2.1/24 dev eth0',
      'addr add fd00::1/64 dev eth0 nodad',
      'addr add fe80::1/64 dev eth0 nodad',
      'addr add 198.51.100.1/32 dev lo',
    ],
    us: [
      'link set eth0 up',
      'addr add 192.0.2.2/24 dev eth0',
      'addr add fd00::2/64 dev eth0 nodad',
      'addr add fe80::2/64 dev eth0 nodad',
      'route add 198.51.100.1 via 192.0.2.1',
    ],
  })
  enter(name('us'))
  const peer = name('bird')
  const bird = startBird(t, peer, '192.0.2.1', birdConf(Object.values(TARGETS)))

  await t.test('while another program has the port it says so, and then tries again', async () => {
    const [clock, other] = [new FakeClock(), createSocket('udp4').bind(3784)]
    const bfd = new Bfd({ log, clock, onDown: () => {} })
    bfd.want('v4', v4)
    await until('it says so', () => /EADDRINUSE/.test(bfd.view('v4')?.trouble ?? ''))
    await new Promise<void>((closed) => other.close(closed))
    clock.advance(5_000)
    await until('it hears', () => bfd.view('v4')?.trouble === undefined)
    await bfd.stop()
  })

  const told: string[] = []
  const bfd = new Bfd({ log, clock: systemClock, onDown: (...what) => told.push(what.join(': ')) })
  t.teardown(() => bfd.stop())

  const state = (name: string) => bfd.view(name)?.state
  const allAre = (wanted: string) => Object.keys(TARGETS).every((name) => state(name) === wanted)
  const inBird = (target: BfdTarget) =>
    bird
      .ask('show bfd sessions')
      .split('\n')
      .find(
        (line) => line.startsWith(target.localAddress!) && line.includes(target.multihop ? '---' : 'eth0'),
      )
  const takesDown = async (cut: () => unknown) => {
    await cut()
    await until('BFD is down', () => state('v4') === 'Down')
  }

  await t.test('over one hop, in both families, on a link, and over several hops', async () => {
    for (const [name, target] of Object.entries(TARGETS)) bfd.want(name, target)
    await until('BFD is up', () => allAre('Up'))
  })

  await t.test('both agree on the interval', async () => {
    await until('BIRD has our interval', () => / Up .*0\.200 +0\.600/.test(inBird(v6) ?? ''))
  })

  await t.test('a target that is wanted again is left alone', async (t) => {
    bfd.want('v4', { ...v4 })
    t.equal(state('v4'), 'Up')
  })

  await t.test('another interval is agreed on without an interruption', async (t) => {
    bfd.want('v6', { ...v6, intervalMs: 300 })
    await until('BIRD has our interval', () => / Up .*0\.300 +0\.900/.test(inBird(v6) ?? ''))
    t.equal(state('v6'), 'Up')
    t.same(told, [])
  })

  await t.test('a packet that was routed is not a neighbour of ours', async (t) => {
    const before = packetsDropped()
    await send(peer, { packet: 'down', ttl: 254, times: 5 })
    await until('they have been dropped', () => packetsDropped() === before + 5)
    t.equal(state('v4'), 'Up')
    t.same(told, [])
  })

  await t.test('one with the highest TTL is', async () => {
    await send(peer, { packet: 'down', ttl: 255, times: 1 })
    await until('it has been heard', () => told.includes('v4: neighbor signaled session down'))
    await until('BFD is up', () => state('v4') === 'Up')
  })

  await t.test('a broken link is noticed by its silence, and so is its return', async (t) => {
    await until('BFD is up', () => allAre('Up'))
    told.length = 0
    await takesDown(() => cutLink(peer, 'down'))
    t.match(bfd.view('v4'), { trouble: 'control detection time expired' })
    await until('all have failed', () => told.length === Object.keys(TARGETS).length)
    cutLink(peer, 'up')
    // The link-local address went with the link: BIRD has to be told to look again.
    await until('BFD is up', () => state('v4') === 'Up' && state('far') === 'Up')
    t.equal(bfd.view('v4')?.trouble, undefined)
  })

  await t.test('a peer that ends BFD of its own will has not failed', async (t) => {
    told.length = 0
    await takesDown(() => send(peer, { packet: 'adminDown', ttl: 255, times: 1 }))
    await until('BFD is up', () => state('v4') === 'Up')
    t.same(told, [])
  })

  await t.test('when we end it, the peer hears that it is our will', async () => {
    bfd.want('v4', undefined)
    await until('BIRD has heard', () => / Down /.test(inBird(v4) ?? ''))
  })

  await t.test('and it can begin again at once', async () => {
    bfd.want('v4', v4)
    await until('BFD is up', () => state('v4') === 'Up')
  })
})

/** By sockets of this namespace. */
function packetsDropped(): number {
  const [, values = ''] = readFileSync('/proc/net/snmp', 'utf8').match(/^Udp: (\d.*)$/m)!
  return Number(values.split(' ')[2]) // InErrors
}

function cutLink(namespace: string, state: 'up' | 'down'): void {
  execFileSync('ip', ['-n', namespace, 'link', 'set', 'eth0', state])
}

interface Forgery {
  readonly packet: keyof typeof PACKETS
  readonly ttl: number
  readonly times: number
}

/** From the address of the peer, by hand. */
async function send(namespace: string, { packet, ttl, times }: Forgery): Promise<void> {
  const program = `
    const socket = require('node:dgram').createSocket('udp4')
    socket.bind(0, '192.0.2.1', () => {
      socket.setTTL(${ttl})
      let left = ${times}
      for (let n = left; n > 0; n--)
        socket.send(Buffer.from('${PACKETS[packet].replaceAll(' ', '')}', 'hex'), 3784, '192.0.2.2', () => --left || socket.close())
    })`
  await run('ip', ['netns', 'exec', namespace, process.execPath, '-e', program])
}
