// A lab in the real kernel: what it makes works, and nothing of it stays, however it ends.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import t, { type Test } from 'tap'
import { addPod } from '../../netns-lab/cni.ts'
import { shell } from '../../netns-lab/exec.ts'
import { lives } from '../../netns-lab/kernel/processes.ts'
import { namespaces } from '../../netns-lab/kernel/run.ts'
import { directoryOf, loadState } from '../../netns-lab/state.ts'
import { parseStory, tell } from '../../netns-lab/story/index.ts'
import { podOf } from '../../netns-lab/topology/index.ts'
import { tearDown, up, withLab } from '../../netns-lab/up.ts'
import { needsRoot } from '../kit/needs-root.ts'
import { until } from '../kit/until.ts'

const main = join(import.meta.dirname, '..', '..', 'netns-lab', 'main.ts')
// Two stories and half a dozen labs take a minute on a busy machine.
t.setTimeout(240_000)

const quiet = { store: 'file', signal: new AbortController().signal, progress: () => {} } as const

const small = `
segments: {lan: {subnets: [172.20.0.0/24, 'fd20::/64']}}
routers: {gateway: {addresses: [172.20.0.1/24, 'fd20::1/64']}}
nodes:
  node-a: {addresses: [172.20.0.11/24, 'fd20::11/64'], agent: bird}
pools: {one: {cidr: 172.18.0.0/16}, two: {cidr: 'fd18::/64'}}
pods: 1
`

/** A topology file; its lab is removed with the test, whatever became of it. */
function file(t: Test, name: string, text = small): string {
  const directory = mkdtempSync(join(tmpdir(), 'caracal-lab-'))
  t.teardown(async () => {
    await tearDown(name)
    rmSync(directory, { recursive: true })
  })
  const path = join(directory, `${name}.yaml`)
  writeFileSync(path, text)
  return path
}

async function left(name: string): Promise<string[]> {
  const mine = [...(await namespaces())].filter((each) => each.startsWith(`caracal-${name}-`))
  return existsSync(directoryOf(name)) ? [...mine, directoryOf(name)] : mine
}

for (const store of ['file', 'etcd'] as const)
  t.test(
    `the lab keeps its own promises with BIRD on every node, datastore ${store}`,
    needsRoot,
    async (t) => {
      const folder = join(import.meta.dirname, 'birds')
      const text = readFileSync(join(folder, 'story.yaml'), 'utf8')
      const story = { name: 'birds', folder, ...parseStory('story.yaml', text) }
      const log: string[] = []
      t.ok(
        await tell(story, { ...quiet, store, update: false, progress: (line) => log.push(line) }),
        log.join('\n'),
      )
      t.same(await left('birds'), [])
    },
  )

t.test('a pod is as the CNI plugin leaves it and, where BIRD runs, Felix', needsRoot, async (t) => {
  await withLab(file(t, 'ctest-pod'), quiet, async (lab) => {
    await addPod(lab, podOf({ name: 'web-0', namespace: 'shop', node: 'node-a' }))
    const ask = async (where: string, line: string): Promise<string[]> =>
      (await shell(lab, where, line)).output
        .split('\n')
        .map((each) => each.trim())
        .filter(Boolean)

    t.match(await ask('node-a', 'ip -br link show calia4fc3c48bd8'), [/ee:ee:ee:ee:ee:ee/])
    t.same(await ask('node-a', 'ip route show dev calia4fc3c48bd8'), ['172.18.0.1 scope link metric 1024'])
    t.match(await ask('node-a', 'ip -6 route show dev calia4fc3c48bd8 proto boot'), [
      'fd18::1 metric 1024 pref medium',
    ])
    t.same(await ask('web-0', 'ip route'), [
      'default via 169.254.1.1 dev eth0',
      '169.254.1.1 dev eth0 scope link',
    ])
    t.match(await ask('web-0', 'ip -6 route show default'), [
      /^default via fe80::ecee:eeff:feee:eeee dev eth0 /,
    ])
    t.same(await ask('node-a', 'sysctl -n net.ipv4.conf.calia4fc3c48bd8.proxy_arp net.ipv4.ip_forward'), [
      '1',
      '1',
    ])
  })
  t.same(await left('ctest-pod'), [])
})

t.test('Ctrl-C at any moment leaves nothing', needsRoot, async (t) => {
  const path = file(t, 'ctest-int')
  const moments = ['network of', 'datastore file', 'starting what runs']
  for (const moment of moments) {
    const child = execa('node', [main, 'up', path], { reject: false })
    let printed = ''
    child.stdout.on('data', (chunk) => {
      printed += chunk
      if (printed.includes(moment)) child.kill('SIGINT')
    })
    const { exitCode, stderr } = await child
    t.equal(exitCode, 130, `interrupted at "${moment}"`)
    t.match(stderr, /^interrupted; cleaning up$/)
    t.same(await left('ctest-int'), [])
  }
})

t.test('what a killed run has left is removed by the next', needsRoot, async (t) => {
  const path = file(t, 'ctest-kill')
  const child = execa('node', [main, 'up', path], { reject: false })
  await until('daemons', () => Object.keys(loadState('ctest-kill')?.processes ?? {}).length === 2)
  child.kill('SIGKILL')
  await child
  const old = loadState('ctest-kill')!
  t.ok(Object.values(old.processes).every(lives), 'its daemons live on')

  const lab = await up(path, quiet)
  t.notOk(Object.values(old.processes).some(lives), 'until the next run')
  t.ok(Object.values(lab.state.processes).every(lives))
  await tearDown('ctest-kill')
  t.same(await left('ctest-kill'), [])
})

t.test(
  'namespaces of a lab whose state was lost are removed by the next, with all that runs in them',
  needsRoot,
  async (t) => {
    const path = file(t, 'ctest-lost')
    const { state } = await up(path, quiet)
    rmSync(directoryOf('ctest-lost'), { recursive: true })
    await withLab(path, quiet, async () => t.notOk(Object.values(state.processes).some(lives)))
    t.same(await left('ctest-lost'), [])
  },
)

t.test('a lab that somebody works with is not touched', needsRoot, async (t) => {
  const path = file(t, 'ctest-busy')
  await withLab(path, quiet, async (lab) => {
    for (const command of [
      ['up', path],
      ['down', 'ctest-busy'],
    ]) {
      const { exitCode, stderr } = await execa('node', [main, ...command], { reject: false })
      t.equal(exitCode, 1)
      t.match(stderr, `process ${process.pid} is at work on the lab ctest-busy`)
    }
    t.ok(Object.values(lab.state.processes).every(lives))
  })
})

t.test('nor is one of another copy of the repository', needsRoot, async (t) => {
  const other = mkdtempSync(join(tmpdir(), 'caracal-lab-'))
  const claim = '/run/caracal-lab/ctest-copy'
  t.teardown(() => {
    rmSync(other, { recursive: true })
    rmSync(claim, { force: true })
  })
  const path = file(t, 'ctest-copy')
  mkdirSync('/run/caracal-lab', { recursive: true })
  writeFileSync(claim, JSON.stringify({ directory: other, owner: { pid: 1, start: 'of another boot' } }))
  writeFileSync(join(other, 'state.json'), '{}')
  await t.rejects(up(path, quiet), { message: `the lab ctest-copy is up in ${other}` })
  rmSync(join(other, 'state.json'))
  await withLab(path, quiet, async () => t.match(readFileSync(claim, 'utf8'), directoryOf('ctest-copy')))
  t.notOk(existsSync(claim), 'it is nobody’s when it is down')
})

t.test('what cannot be made is said, and nothing is left', needsRoot, async (t) => {
  const broken = small.replace("'fd20::1/64']", "'fd20::1/64'], bird: 'nonsense'")
  await t.rejects(up(file(t, 'ctest-broken', broken), quiet), { message: /bird\.conf:1:\d+ syntax error/ })
  t.same(await left('ctest-broken'), [])
  const unknown = small.replace("'fd20::1/64']", "'fd20::1/64'], frr: 'nonsense'")
  await t.rejects(up(file(t, 'ctest-broken', unknown), quiet), {
    message: /: frr: No such command on config line 1: nonsense$/,
  })
  t.same(await left('ctest-broken'), [])
})
