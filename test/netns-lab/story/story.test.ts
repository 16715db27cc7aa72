// Story files: what is said about wrong ones.

import { join } from 'node:path'
import t from 'tap'
import { parseStory, readStory, stories } from '../../../netns-lab/story/index.ts'
import { readTopology } from '../../../netns-lab/topology/index.ts'

t.test('every story of the repository is right', async (t) => {
  for (const name of stories()) t.ok(readStory(name).steps.length > 0, name)
})

t.test('a story whose pools use IPIP says that it needs it', async (t) => {
  const silent = stories()
    .map(readStory)
    .filter(({ needs }) => !needs.includes('ipip'))
    .filter(({ folder }) =>
      readTopology(join(folder, 'topology.yaml')).pools.some(
        ({ spec }) => (spec.ipipMode ?? 'Never') !== 'Never',
      ),
    )
  t.same(
    silent.map(({ name }) => name),
    [],
  )
})

t.test('steps get their defaults, and words for people', async (t) => {
  const { datastores, needs, steps } = parseStory(
    's.yaml',
    'about: x\nsteps: [{run: {on: a, command: ip route}}, {ping: all}]',
  )
  t.same(datastores, ['file', 'etcd'])
  t.same(needs, [])
  t.match(steps, [{ kind: 'run', args: { within: 15 }, words: 'run on a: ip route' }, { words: 'ping all' }])
})

t.test('a command is for one machine or several, a stream for two pods or each two of several', async (t) => {
  const { steps } = parseStory(
    's.yaml',
    'about: x\nsteps: [{run: {on: [a, b], command: ip route}}, {start-ping-stream: {between: [a, b, c]}}]',
  )
  t.match(steps, [
    { args: { on: ['a', 'b'] }, words: 'run on a, b: ip route' },
    { args: { between: ['a', 'b', 'c'], every: 0.05 } },
  ])
})

t.test('a wrong step is named by its number, with what would be right', async (t) => {
  const cases: readonly [steps: string, complaint: RegExp][] = [
    ['[{dance: all}]', /^s\.yaml: step 1: has to be one of run, ping, .*; it is dance$/],
    ['[{ping: all}, {ping: all, run: x}]', /^s\.yaml: step 2: has to be one of .*; it is ping, run$/],
    ['[{run: {on: a}}]', /^s\.yaml: step 1: run: command: /],
    ['[{run: {on: a, command: b, expct: c}}]', /^s\.yaml: step 1: run: Unrecognized key: "expct"/],
    ['[{datastore: explode}]', /^s\.yaml: step 1: datastore: Invalid option/],
    ['[{start-ping-stream: {between: [a, b], to: c}}]', /^s\.yaml: step 1: start-ping-stream: /],
    ['[{stop-ping-stream: {between: [a]}}]', /^s\.yaml: step 1: stop-ping-stream: /],
  ]
  for (const [steps, complaint] of cases)
    t.throws(() => parseStory('s.yaml', `about: x\nsteps: ${steps}`), { message: complaint }, steps)
})
