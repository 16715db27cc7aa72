// Topology files: what they mean, and what is said about wrong ones.

import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { stories } from '../../netns-lab/story/index.ts'
import { LabFileError, parseTopology, readTopology, routesOf } from '../../netns-lab/topology/index.ts'

const small = `
segments: {lan: {subnets: [172.20.0.0/24, 'fd20::/64']}}
routers: {gateway: {addresses: [172.20.0.1/24, 'fd20::1/64']}}
nodes:
  node-a: {addresses: [172.20.0.11/24, 'fd20::11/64']}
  node-b: {addresses: [172.20.0.12/24]}
pools: {one: {cidr: 172.18.0.0/16}}
`

function read(text: string) {
  return parseTopology('test', 'test.yaml', text)
}

t.test('addresses and prefixes are canonical, and defaults are filled in', async (t) => {
  const { nodes, pools } = read(small)
  t.match(nodes[0], { name: 'node-a', agent: 'caracal', registered: true, started: true })
  t.same(nodes[0]?.addresses[1], { address: 'fd20::11', prefix: 'fd20::/64' })
  t.match(pools, [{ name: 'one', blockSize: 26 }])
})

t.test('a number of pods is that many on each node', async (t) => {
  t.same(
    read(`${small}\npods: 2`).pods.map(({ name, node }) => `${name} on ${node}`),
    ['a-1 on node-a', 'a-2 on node-a', 'b-1 on node-b', 'b-2 on node-b'],
  )
})

t.test(
  'who has no default route gets one to the only router of its segment, in the families it has',
  async (t) => {
    const topology = read(small)
    const routes = topology.nodes.map((node) => routesOf(topology, node).map(({ to, via }) => `${to} ${via}`))
    t.same(routes, [['default 172.20.0.1', 'default fd20::1'], ['default 172.20.0.1']])
    t.same(routesOf(topology, topology.routers[0]!), [], 'but not a router itself')
  },
)

t.test('all that is wrong is said at once, with the field and what would be right', async (t) => {
  const cases: readonly [text: string, complaints: readonly string[]][] = [
    ['a: [', ['test.yaml: Flow sequence in block collection']],
    ['', ['test.yaml: the file: Invalid input: expected object']],
    ['segments: {}', ['test.yaml: segments: there must be at least one']],
    [`${small}\nnoodles: 3`, ['test.yaml: the file: Unrecognized key: "noodles"']],
    [
      small.replace('172.20.0.12/24', '172.20.0.12'),
      ['test.yaml: nodes.node-b.addresses.0: must have the length of its subnet, such as 172.20.0.11/24'],
    ],
    [
      small.replace('172.20.0.12/24', '172.20.0.300/24'),
      [
        'test.yaml: nodes.node-b.addresses.0: "172.20.0.300/24" is not an address with the length of its subnet',
      ],
    ],
    [
      small.replace('node-b', 'a-name-that-is-too-long'),
      ['test.yaml: nodes.a-name-that-is-too-long: must be 1 to 15 lower-case letters'],
    ],
    [
      small.replace('172.20.0.12/24', '10.0.0.1/24'),
      ['test.yaml: node-b: 10.0.0.1/24 lies in the subnet of no segment'],
    ],
    [
      small.replace('172.20.0.12/24', '172.20.0.11/24'),
      ['test.yaml: 172.20.0.11: two machines have this address'],
    ],
    [small.replace('gateway', 'node-a'), ['test.yaml: node-a: two things have this name']],
    [
      small.replace(/routers.*/, ''),
      [
        'test.yaml: node-a: no IPv4 default route, and without one',
        'test.yaml: node-b: no IPv4 default route',
      ],
    ],
    [`${small}\npods: [{name: x, node: node-z}]`, ['test.yaml: pod x: there is no node node-z']],
    [`${small}\npods: [{name: x, node: node-a, pools: [two]}]`, ['test.yaml: pod x: there is no pool two']],
    [
      `${small}\npods: [{name: x, node: node-a, addresses: [10.9.9.9]}]`,
      ['test.yaml: 10.9.9.9: lies in no pool'],
    ],
    [
      `${small}\ndocuments: [{kind: Potato, metadata: {name: x}}]`,
      ['test.yaml: documents.0.kind: Invalid option'],
    ],
  ]
  for (const [text, complaints] of cases) {
    const error = await caught(() => read(text))
    t.type(error, LabFileError)
    const lines = error?.message.split('\n') ?? []
    for (const [at, complaint] of complaints.entries()) t.ok(lines[at]?.startsWith(complaint), `${lines[at]}`)
  }
})

t.test('every topology of the repository is right', async (t) => {
  const lab = join(import.meta.dirname, '..', '..', 'netns-lab')
  const files = [
    ...readdirSync(join(lab, 'topologies')).map((name) => join(lab, 'topologies', name)),
    ...stories().map((name) => join(lab, 'stories', name, 'topology.yaml')),
  ]
  for (const file of files) t.ok(readTopology(file), file)
})

async function caught(work: () => unknown): Promise<Error | undefined> {
  try {
    work()
    return undefined
  } catch (err) {
    return err as Error
  }
}
