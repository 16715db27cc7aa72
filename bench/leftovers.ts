// What a bench has left that was killed before it could clear up: namespaces, what runs in them, and files. Names bear the
// number of its process.

import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const NAME = 'caracal-bench-'

/** For what this process makes. */
export const ownName = `${NAME}${process.pid}`

export function removeLeftovers(): void {
  for (const namespace of leftIn('/run/netns')) {
    for (const pid of lines(['netns', 'pids', namespace])) process.kill(Number(pid), 'SIGKILL')
    lines(['netns', 'del', namespace])
  }
  for (const name of leftIn(tmpdir())) rmSync(join(tmpdir(), name), { recursive: true })
}

/** Names of a process that is no more. */
function leftIn(directory: string): string[] {
  if (!existsSync(directory)) return []
  return readdirSync(directory).filter((name) => {
    const [, pid] = new RegExp(`^${NAME}(\\d+)(-|$)`).exec(name) ?? []
    return pid !== undefined && !existsSync(`/proc/${pid}`)
  })
}

function lines(args: readonly string[]): string[] {
  return execFileSync('ip', args, { encoding: 'utf8' }).split('\n').filter(Boolean)
}
