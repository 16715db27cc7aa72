// The virtual machine, where this kernel needs one; and IPIP, wherever it is to be had.

import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { outcome } from '../../../netns-lab/kernel/run.ts'
import { repository } from '../../../netns-lab/state.ts'
import { runInMachine, sharedInside } from '../../../netns-lab/vm/machine.ts'
import { missingHere } from '../../../netns-lab/vm/needs.ts'
import { needsRoot } from '../../kit/needs-root.ts'

// Each of the machines boots in five seconds, on a busy host in thirty; the first one may have to be downloaded.
t.setTimeout(600_000)

const limitMs = 240_000
const runs = join(repository, '.cache', 'vm-runs')

/** What this process has left on the host. */
function left(): string[] {
  return readdirSync(runs).filter((name) => name.startsWith(`${process.pid}-`))
}

/** Two namespaces, and a ping between them that only a tunnel can carry. */
const throughTunnel = `
  set -e
  a=caracal-vm-a-$$ b=caracal-vm-b-$$
  trap 'ip netns del $a; ip netns del $b' EXIT
  ip netns add $a
  ip netns add $b
  ip link add eth0 netns $a type veth peer name eth0 netns $b
  i=1
  for here in $a $b; do
    ip -n $here link set eth0 up
    ip -n $here address add 192.0.2.$i/24 dev eth0
    ip -n $here link add tunl0 type ipip 2>/dev/null || true
    ip -n $here link set tunl0 up
    ip -n $here address add 10.9.$i.1/32 dev tunl0
    ip -n $here route add 10.9.$((3 - i)).1 via 192.0.2.$((3 - i)) dev tunl0 onlink
    i=2
  done
  ip netns exec $a ping -n -c 3 -i 0.2 -W 10 10.9.2.1
  ip -n $b -s link show tunl0 | grep -c ipip
`

t.test('two namespaces reach each other through tunl0, here or in the machine', needsRoot, async (t) => {
  const missing = await missingHere(['ipip'])
  const lines: string[] = []
  const argv = ['sh', '-c', throughTunnel]
  const { signal } = new AbortController()
  const { code } =
    missing.size === 0
      ? await outcome(argv)
      : await runInMachine(argv, { signal, limitMs, progress: (line) => lines.push(line) })
  t.equal(code, 0, lines.join('\n'))
})

t.test('nothing is missing of what nobody needs', async (t) => {
  t.same(await missingHere([]), new Set())
})

if (needsRoot.skip === false && (await missingHere(['ipip'])).size > 0) {
  t.test(
    'a command has the files of the host, its words, and its exit code; what it writes is gone',
    async (t) => {
      const kept = mkdtempSync(join(tmpdir(), 'caracal, vm-'))
      t.teardown(() => rmSync(kept, { recursive: true }))
      const lost = join(repository, '.cache', 'lost')
      const script = `
      echo "it's $1"; test -e package.json || echo no files; echo to stderr >&2
      echo new > '${lost}' && cat '${lost}'; echo kept > '${kept}/file'
      echo 'passed one' > ${sharedInside}/results; exit 7`
      const lines: string[] = []
      const result = await runInMachine(['sh', '-c', script, 'sh', `one  "word" $HOME`], {
        signal: new AbortController().signal,
        limitMs,
        progress: (line) => lines.push(line),
        kept: [kept],
      })
      t.same(lines, [`it's one  "word" $HOME`, 'to stderr', 'new'])
      t.same(result, { code: 7, problem: undefined, results: 'passed one' })
      t.notOk(existsSync(lost))
      t.equal(readFileSync(join(kept, 'file'), 'utf8'), 'kept\n')
      t.same(left(), [])
    },
  )

  t.test('an interrupted machine ends at once and leaves nothing', async (t) => {
    const controller = new AbortController()
    const machine = runInMachine(['sh', '-c', 'echo up; exec sleep 1000'], {
      signal: controller.signal,
      limitMs,
      progress: () => controller.abort(),
    })
    await t.rejects(machine, { name: 'AbortError' })
    t.same(left(), [])
  })

  t.test('a machine that takes too long is ended, and that is said', async (t) => {
    const { code, problem } = await runInMachine(['true'], {
      signal: new AbortController().signal,
      limitMs: 100,
      progress: () => {},
    })
    t.equal(code, undefined)
    t.equal(problem, 'the virtual machine was not done after 0.1 s')
    t.same(left(), [])
  })
}
