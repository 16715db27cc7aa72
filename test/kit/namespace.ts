// A real kernel to throw away: one network namespace per test, gone when the test is over.

import { execFileSync } from 'node:child_process'

export interface Namespace {
  readonly name: string
  /** Runs `ip -n NAME ARGS` for each line; throws with its words when one fails. */
  ip(...lines: string[]): void
  /** What `ip -n NAME ARGS` prints, one string a line, without the spaces at its ends. */
  show(args: string): string[]
  /** The same for bridge(8). */
  bridge(args: string): string[]
}

interface Test {
  teardown(run: () => void): void
}

let made = 0

/**
 * A namespace with `eth0` (172.18.0.2/16, fd00::2/64) on a cable to nowhere, and `caliaaa` and `calibbb` on cables to
 * `podaaa` and `podbbb`, all of them up.
 */
export function namespace(t: Test): Namespace {
  const name = `caracal-k-${process.pid}-${++made}`
  run('ip', ['netns', 'add', name])
  t.teardown(() => run('ip', ['netns', 'del', name]))
  const ns: Namespace = {
    name,
    ip: (...lines) => {
      for (const line of lines) run('ip', ['-n', name, ...line.split(' ')])
    },
    show: (args) => linesOf(run('ip', ['-n', name, ...args.split(' ')])),
    bridge: (args) => linesOf(run('bridge', ['-n', name, ...args.split(' ')])),
  }
  ns.ip(
    'link set lo up',
    ...cable('eth0', 'wire'),
    'addr add 172.18.0.2/16 dev eth0',
    'addr add fd00::2/64 dev eth0 nodad',
    ...cable('caliaaa', 'podaaa'),
    ...cable('calibbb', 'podbbb'),
  )
  return ns
}

/** The lines that make a veth pair and bring it up. */
export function cable(one: string, other: string): string[] {
  return [`link add ${one} type veth peer name ${other}`, `link set ${one} up`, `link set ${other} up`]
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function run(file: string, args: readonly string[]): string {
  return execFileSync(file, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
}
