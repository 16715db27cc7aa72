// A real BIRD 2 in a network namespace, and the namespaces for it: for tests of sockets, as root.

import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { CLONE_NEWNET, checked, libc } from '../../src/edge/libc.ts'

/** Makes namespaces named `PREFIX-NAME` that go with the test, and has `ip -n PREFIX-NAME` do each line. */
export function namespaces(
  t: { teardown(run: () => void): void },
  lines: Readonly<Record<string, readonly string[]>>,
): (name: string) => string {
  const prefix = `caracal-peers-${process.pid}`
  const names = Object.keys(lines)
  const full = (name: string) => `${prefix}-${name}`
  for (const name of names) {
    execFileSync('ip', ['netns', 'add', full(name)])
    t.teardown(() => execFileSync('ip', ['netns', 'del', full(name)]))
    execFileSync('ip', ['-n', full(name), 'link', 'set', 'lo', 'up'])
  }
  for (const name of names) {
    const input = lines[name]!.map((line) =>
      line.replace(/\S+/g, (word) => (names.includes(word) ? full(word) : word)),
    )
    execFileSync('ip', ['-n', full(name), '-batch', '-'], { input: input.join('\n') })
  }
  return full
}

/** From now on sockets of this process belong to the namespace. It has to be a file of tests of its own. */
export function enter(namespace: string): void {
  checked(libc().setns(openSync(`/run/netns/${namespace}`, 'r'), CLONE_NEWNET), `cannot enter ${namespace}`)
}

/** Makes a router of a namespace. */
export function forwardPackets(namespace: string): void {
  execFileSync('ip', ['netns', 'exec', namespace, 'sysctl', '-qw', 'net.ipv4.ip_forward=1'])
}

export interface Bird {
  /** Replaces the configuration. */
  configure(protocols: string): void
  /** What birdc prints. */
  ask(question: string): string
  /** Whether that has these words in it; not as long as BIRD is starting. */
  has(question: string, words: string): boolean
}

/** A BIRD with a device protocol and these; it ends with the test. */
export function startBird(t: Test, namespace: string, routerId: string, protocols: string): Bird {
  const directory = mkdtempSync(join(tmpdir(), 'caracal-bird-'))
  const [file, socket] = [join(directory, 'bird.conf'), join(directory, 'bird.ctl')]
  const write = (text: string) => writeFileSync(file, `router id ${routerId};\nprotocol device {}\n${text}\n`)
  write(protocols)
  const argv = ['netns', 'exec', namespace, 'bird', '-f', '-c', file, '-s', socket]
  const child: ChildProcess = spawn('ip', argv, { stdio: 'ignore' })
  t.teardown(async () => {
    const gone = new Promise((exit) => child.once('exit', exit))
    child.kill('SIGKILL')
    await gone
    rmSync(directory, { recursive: true })
  })
  const ask = (question: string) =>
    execFileSync('birdc', ['-s', socket, ...question.split(' ')], { encoding: 'utf8', stdio: 'pipe' })
  return {
    ask,
    has(question, words) {
      try {
        return ask(question).includes(words)
      } catch {
        return false
      }
    },
    configure(text) {
      write(text)
      ask('configure')
    },
  }
}
