// Speakers on real sockets, over loopback addresses.

import { connect, type Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { Speaker } from '../../../src/bgp/speaker.ts'
import type { PeerConfig } from '../../../src/bgp/types.ts'
import { encode, initialCodec } from '../../../src/bgp/wire/codec.ts'
import type { Message } from '../../../src/bgp/wire/message.ts'
import { createLog } from '../../../src/edge/observe/log.ts'
import { Runner } from '../../../src/edge/peers/runner.ts'
import { address } from '../../../src/inet/address.ts'
import { type Prefix, prefix } from '../../../src/inet/prefix.ts'
import { until } from '../../kit/until.ts'

const log = createLog({ node: 'node-a', level: 'silent' })

class Node {
  readonly address
  readonly best = new Set<Prefix>()
  readonly speaker = new Speaker({ random: () => 0, restarting: false })
  readonly runner: Runner

  constructor(t: Test, of: string) {
    this.address = address(of)
    this.runner = new Runner({
      speaker: this.speaker,
      log,
      onBest: (changes) => {
        for (const { prefix, used } of changes)
          used.length > 0 ? this.best.add(prefix) : this.best.delete(prefix)
      },
    })
    t.teardown(() => this.runner.stop())
  }

  async listen(): Promise<void> {
    this.runner.listen([{ family: 'ipv4', port: 0, address: this.address }])
    await until('it listens', () => this.runner.listening.every(({ listening }) => listening))
  }

  get port(): number {
    return this.runner.listening[0]!.port
  }

  get states(): string[] {
    return this.speaker.peers().map(({ state, lastError }) => (lastError ? `${state} ${lastError}` : state))
  }

  /** By Calico's rule: the side that sees the greater address waits. */
  peer(other: Node, over: Partial<PeerConfig> = {}): void {
    const config: PeerConfig = {
      name: other.address,
      kind: 'mesh',
      address: other.address,
      port: other.runner.listening[0]?.port ?? 1,
      localAddress: this.address,
      families: ['ipv4'],
      localAsn: 64512,
      peerAsn: 64512,
      routerId: this.address,
      passive: other.address > this.address,
      holdTime: 240,
      restartTime: 120,
      allowedLocalAsns: 0,
      because: 'node-to-node mesh',
      ...over,
    }
    this.runner.step({ kind: 'peers', set: [config], remove: [] })
  }

  originate(text: string): void {
    const set = [{ prefix: prefix(text), localPref: 100, because: 'block' }]
    this.runner.step({ kind: 'originate', set, withdraw: [] })
  }
}

/** Two nodes with a session; the first dials. */
async function pair(t: Test, net: string): Promise<[Node, Node]> {
  const [a, b] = [new Node(t, `${net}.2`), new Node(t, `${net}.1`)]
  await b.listen()
  a.peer(b)
  b.peer(a)
  await until('the session is up', () => a.states[0] === 'Established' && b.states[0] === 'Established')
  return [a, b]
}

/** A bare connection from an address; resolves when it is closed, with the bytes it was sent. */
function visit(from: string, to: Node, say: Uint8Array): Promise<number> {
  return new Promise((closed) => {
    let got = 0
    const socket: Socket = connect({ host: to.address, port: to.port, localAddress: from })
    socket.on('connect', () => socket.write(say))
    socket.on('data', (chunk) => {
      got += chunk.length
    })
    socket.on('error', () => {})
    socket.on('close', () => closed(got))
  })
}

t.test('two nodes come up over TCP and exchange routes both ways', async (t) => {
  const [a, b] = await pair(t, '127.1.1')
  a.originate('10.244.1.0/26')
  b.originate('10.244.2.0/26')
  await until('all know all', () => a.best.size === 2 && b.best.size === 2)
  t.same(a.best, b.best)
  t.same(a.states, ['Established'])
})

t.test('a node that stops closes without a word, and its routes stay', async (t) => {
  const [a, b] = await pair(t, '127.1.2')
  a.originate('10.244.1.0/26')
  await until('b knows', () => b.best.size === 1)
  await a.runner.stop()
  await until('b sees it', () => b.states[0] !== 'Established')
  t.same(b.states, ['Passive Socket: Connection closed'])
  t.same([...b.best], ['10.244.1.0/26'])
})

t.test('a node that stops does not wait for a peer that never closes', async (t) => {
  const [a, b] = [new Node(t, '127.1.8.2'), new Node(t, '127.1.8.1')]
  await b.listen()
  b.peer(a)
  const peer = connect({ host: b.address, port: b.port, localAddress: a.address, allowHalfOpen: true })
  peer.on('error', () => {})
  peer.resume()
  await until('it is accepted', () => b.states[0] === 'OpenSent')
  await b.runner.stop()
  t.equal(b.runner.connections, 0)
  peer.destroy()
})

t.test('a peer that does not listen is shown as such', async (t) => {
  const [a, b] = [new Node(t, '127.1.3.2'), new Node(t, '127.1.3.1')]
  a.peer(b)
  await until('refused', () => a.states[0] === 'Active Socket: Connection refused')
  t.pass()
})

t.test('a thousand strangers with garbage get no answer, and no session notices', async (t) => {
  const [a, b] = await pair(t, '127.1.4')
  const { since } = b.speaker.peers()[0]!
  const garbage = new Uint8Array(4096).fill(0xff)
  const before = process.memoryUsage().heapUsed
  for (let batch = 0; batch < 10; batch++) {
    const visits = Array.from({ length: 100 }, (_, i) => visit(`127.1.5.${i + 1}`, b, garbage))
    t.equal(
      (await Promise.all(visits)).reduce((sum, got) => sum + got, 0),
      0,
    )
  }
  t.equal(b.runner.refused['not a peer'], 1000)
  t.equal(b.runner.connections, 1, 'nothing is held')
  t.ok(process.memoryUsage().heapUsed - before < 64 * 1024 * 1024)
  t.same([a.states, b.speaker.peers()[0]!.since], [['Established'], since])
})

t.test('garbage from the address of a peer costs its own connections only', async (t) => {
  const [a, b] = await pair(t, '127.1.6')
  const { since } = b.speaker.peers()[0]!
  const garbage = new Uint8Array(4096).fill(0x47)
  await Promise.all(Array.from({ length: 50 }, () => visit(a.address, b, garbage)))
  await until('all is closed', () => b.runner.connections === 1)
  t.ok(b.runner.refused['too many connections in a second'] > 0)
  t.same([a.states, b.speaker.peers()[0]!.since], [['Established'], since])
})

t.test('data that waits to be read saves a session whose hold timer ran out meanwhile', async (t) => {
  const [a, b] = [new Node(t, '127.1.7.2'), new Node(t, '127.1.7.1')]
  await b.listen()
  b.peer(a, { holdTime: 3 })
  const peer = connect({ host: b.address, port: b.port, localAddress: a.address })
  const say = (message: Message) => peer.write(encode(message, initialCodec))
  peer.resume()
  say({ kind: 'open', asn: 64512, holdTime: 3, routerId: a.address, capabilities: [] })
  say({ kind: 'keepalive' })
  await until('the session is up', () => b.states[0] === 'Established')
  await turn() // timers come next in the event loop, and only then sockets
  say({ kind: 'keepalive' })
  const end = performance.now() + 3100
  while (performance.now() < end); // a long computation of ours
  for (let turns = 0; turns < 10; turns++) await turn() // every timer that ran out has had its own
  t.same(b.states, ['Established'])
  await until('it does expire in the end', () => b.states[0] !== 'Established')
  t.same(b.states, ['Idle BGP Error: Hold timer expired'])
  peer.destroy()
})
