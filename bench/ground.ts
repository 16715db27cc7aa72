// Where it happens: two network namespaces and a cable. The bench itself goes to the end of the peers.

import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Address, address } from '../src/inet/address.ts'
import { enter } from '../test/kit/bird.ts'
import { type Contestant, Running, type Setup } from './contestant.ts'
import { ownName, removeLeftovers } from './leftovers.ts'

export const DAEMON = address('172.30.0.1')
/** Where the datastore is, for a measure that needs one: among the peers. */
export const STORE = address('172.30.2.1')

/** Address of the `i`-th client. */
export function clientAddress(i: number): Address {
  return address(`172.30.1.${i + 1}`)
}

const clients = Array.from({ length: 250 }, (_, i) => clientAddress(i))

export class Ground {
  readonly namespace = ownName
  readonly #peers = `${this.namespace}-peers`
  readonly #directory = mkdtempSync(join(tmpdir(), `${ownName}-`))
  readonly #daemons: Running[] = []

  constructor() {
    removeLeftovers()
    chmodSync(this.#directory, 0o755)
    for (const name of [this.namespace, this.#peers]) ip('netns', 'add', name)
    this.#inside(this.namespace, [
      'link set lo up',
      `link add eth0 type veth peer name eth0 netns ${this.#peers}`,
      `addr add ${DAEMON}/16 dev eth0`,
      'link set eth0 up',
    ])
    this.#inside(this.#peers, [
      'link set lo up',
      ...[...clients, STORE].map((one) => `addr add ${one}/16 dev eth0`),
      'link set eth0 up',
    ])
    enter(this.#peers)
  }

  start(contestant: Contestant, role: Setup['role'], clientCount: number): Running {
    const { namespace } = this
    return this.#start(contestant, {
      namespace,
      address: DAEMON,
      clients: clients.slice(0, clientCount),
      role,
    })
  }

  /** Where one has been running, with what that has left. */
  startAgain(contestant: Contestant, { setup }: Running): Running {
    return this.#run(contestant, setup)
  }

  /** A router in place of one of the clients. */
  startAmongPeers(contestant: Contestant, address: Address): Running {
    return this.#start(contestant, { namespace: this.#peers, address, clients: [], role: 'router' })
  }

  /** Removes what a daemon has left in the kernel. */
  sweep(): void {
    // FRR's routes lead to nexthop objects, and go with them.
    for (const line of [
      'nexthop flush',
      'route flush proto bird',
      'route flush proto 80',
      'route flush proto bgp',
    ])
      this.#inside(this.namespace, [line])
  }

  /** Lines of ip(8), where the daemons run. */
  batch(lines: readonly string[]): void {
    this.#inside(this.namespace, lines)
  }

  /** Ends all that is running, and leaves nothing behind. */
  async close(): Promise<void> {
    await Promise.all(this.#daemons.map((running) => running.kill()))
    for (const name of [this.namespace, this.#peers]) ip('netns', 'del', name)
    rmSync(this.#directory, { recursive: true })
  }

  #start(contestant: Contestant, setup: Omit<Setup, 'directory'>): Running {
    return this.#run(contestant, {
      ...setup,
      directory: join(this.#directory, `${this.#daemons.length}`),
    })
  }

  #run(contestant: Contestant, setup: Setup): Running {
    const running = new Running(contestant, setup)
    this.#daemons.push(running)
    return running
  }

  #inside(namespace: string, lines: readonly string[]): void {
    execFileSync('ip', ['-n', namespace, '-force', '-batch', '-'], { input: lines.join('\n'), stdio: 'pipe' })
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' })
}
