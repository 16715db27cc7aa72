// The whole agent in a network namespace, with a directory of its own as datastore.

import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'
import type { AnyKind, Document } from '../../src/cluster/feed.ts'
import { printJson } from '../../src/cluster/json.ts'

const program = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

export interface AgentOptions {
  readonly namespace: string
  readonly node: string
  readonly documents: readonly Document<AnyKind>[]
  readonly environment?: Readonly<Record<string, string>>
}

export interface RunningAgent {
  /** What a command of its prints, whatever its exit code. */
  ask(...argv: string[]): string
  /** What it has logged. */
  log(): string
  /** Null as long as it runs, and when it was killed. */
  exitCode(): number | null
  /** Asks it to stop. */
  terminate(): void
}

/** Starts it; it is killed when the test ends. */
export function startAgent(t: Test, { namespace, node, documents, environment }: AgentOptions): RunningAgent {
  const home = mkdtempSync(join(tmpdir(), 'caracal-agent-')) // a socket's path has room for 107 octets
  const [datastore, log] = [join(home, 'datastore'), join(home, 'agent.log')]
  mkdirSync(datastore)
  writeFileSync(join(datastore, 'all.yaml'), documents.map((of) => printJson(of)).join('\n---\n'))
  const env = {
    ...process.env,
    NODENAME: node,
    DATASTORE_TYPE: 'file',
    CALICO_DATASTORE_PATH: datastore,
    CARACAL_SOCKET: join(home, 'caracal.sock'),
    CARACAL_STATE_DIR: home,
    NO_DEFAULT_POOLS: 'true',
    ...environment,
  }
  const inside = (...argv: string[]) => ['netns', 'exec', namespace, process.execPath, program, ...argv]
  const output = openSync(log, 'w')
  const child = spawn('ip', inside('run'), { env, stdio: ['ignore', output, output] })
  const gone = new Promise((exit) => child.once('exit', exit))
  t.teardown(async () => {
    child.kill('SIGKILL') // `ip netns exec` has become the agent
    await gone
    rmSync(home, { recursive: true })
  })
  return {
    ask(...argv) {
      try {
        return execFileSync('ip', inside(...argv), { env, encoding: 'utf8', stdio: 'pipe' })
      } catch (err) {
        return String((err as { stdout?: unknown }).stdout ?? '')
      }
    },
    log: () => readFileSync(log, 'utf8'),
    exitCode: () => child.exitCode,
    terminate: () => void child.kill('SIGTERM'),
  }
}
