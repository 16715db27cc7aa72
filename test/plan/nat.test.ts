import t from 'tap'
import { address } from '../../src/inet/address.ts'
import { prefix } from '../../src/inet/prefix.ts'
import type { NatSettings } from '../../src/plan/nat-inputs.ts'
import { chainFor } from '../../src/plan/nat-rules.ts'
import type { Tunnel, TunnelName } from '../../src/plan/wanted.ts'
import { node, pool } from '../kit/documents.ts'
import { Cluster, settings } from '../kit/plan.ts'

/** Everything wanted, as `SET PREFIX` and as `FAMILY -A CHAIN RULE`. */
function wanted(cluster: Cluster): string[] {
  cluster.settle()
  const { sets, setMembers, chains } = cluster.plan
  return [...sets.keys(), ...setMembers.keys(), ...[...chains.values()].flatMap(rulesOf)].sort()
}

function rulesOf({
  family,
  name,
  rules,
}: {
  family: string
  name: string
  rules: readonly { rule: string }[]
}) {
  return rules.map(({ rule }) => `${family} -A ${name} ${rule}`)
}

/** The rules of caracal-nat-outgoing. */
function outgoing(cluster: Cluster, family = 'ipv4'): string[] {
  cluster.settle()
  return (cluster.plan.chains.get(`${family} caracal-nat-outgoing`)?.rules ?? []).map(({ rule }) => rule)
}

const inside = '-m set --match-set caracal-masq-pools-v4 src -m set ! --match-set caracal-pools-v4 dst'
const inside6 = '-m set --match-set caracal-masq-pools-v6 src -m set ! --match-set caracal-pools-v6 dst'

const dualStack = () =>
  new Cluster('a').set(
    node('a', '172.20.0.11/24', { ipv6Address: 'fd20::11/64' }),
    pool('four', '10.65.0.0/16', { natOutgoing: true }),
    pool('six', 'fd66::/48', { natOutgoing: true }),
  )

const variants: readonly {
  readonly what: string
  readonly settings: Partial<NatSettings>
  readonly ipv4: readonly string[]
  readonly ipv6: readonly string[]
}[] = [
  {
    what: 'no settings',
    settings: {},
    ipv4: [`${inside} -j MASQUERADE --random-fully`],
    ipv6: [`${inside6} -j MASQUERADE --random-fully`],
  },
  {
    what: 'a fixed address, which is IPv4 and must not reach ip6tables',
    settings: { outgoingAddress: address('172.20.0.99') },
    ipv4: [`${inside} -j SNAT --to-source 172.20.0.99 --random-fully`],
    ipv6: [`${inside6} -j MASQUERADE --random-fully`],
  },
  {
    what: 'a range of ports',
    settings: { portRange: { first: 32768, last: 65535 } },
    ipv4: [
      `-p tcp ${inside} -j MASQUERADE --to-ports 32768-65535 --random-fully`,
      `-p tcp ${inside} -j RETURN`,
      `-p udp ${inside} -j MASQUERADE --to-ports 32768-65535 --random-fully`,
      `-p udp ${inside} -j RETURN`,
      `${inside} -j MASQUERADE --random-fully`,
    ],
    ipv6: [
      `-p tcp ${inside6} -j MASQUERADE --to-ports 32768-65535 --random-fully`,
      `-p tcp ${inside6} -j RETURN`,
      `-p udp ${inside6} -j MASQUERADE --to-ports 32768-65535 --random-fully`,
      `-p udp ${inside6} -j RETURN`,
      `${inside6} -j MASQUERADE --random-fully`,
    ],
  },
  {
    what: 'a fixed address, a range of ports and hosts excluded',
    settings: {
      outgoingAddress: address('172.20.0.99'),
      portRange: { first: 32768, last: 40000 },
      excludeHosts: true,
    },
    ipv4: [
      ...['tcp', 'udp'].flatMap((protocol) => [
        `-p ${protocol} ${inside} -m set ! --match-set caracal-hosts-v4 dst -j SNAT --to-source 172.20.0.99:32768-40000 --random-fully`,
        `-p ${protocol} ${inside} -m set ! --match-set caracal-hosts-v4 dst -j RETURN`,
      ]),
      `${inside} -m set ! --match-set caracal-hosts-v4 dst -j SNAT --to-source 172.20.0.99 --random-fully`,
    ],
    ipv6: [
      ...['tcp', 'udp'].flatMap((protocol) => [
        `-p ${protocol} ${inside6} -m set ! --match-set caracal-hosts-v6 dst -j MASQUERADE --to-ports 32768-40000 --random-fully`,
        `-p ${protocol} ${inside6} -m set ! --match-set caracal-hosts-v6 dst -j RETURN`,
      ]),
      `${inside6} -m set ! --match-set caracal-hosts-v6 dst -j MASQUERADE --random-fully`,
    ],
  },
  {
    what: 'some interfaces only',
    settings: { outgoingInterface: 'eth+' },
    ipv4: [`${inside} -o eth+ -j MASQUERADE --random-fully`],
    ipv6: [`${inside6} -o eth+ -j MASQUERADE --random-fully`],
  },
  {
    what: 'targets that cannot choose ports at random',
    settings: { fullyRandom: { masquerade: false, snat: true } },
    ipv4: [`${inside} -j MASQUERADE`],
    ipv6: [`${inside6} -j MASQUERADE`],
  },
  {
    what: 'a fixed address, with a target that cannot choose ports at random',
    settings: { outgoingAddress: address('1.2.3.4'), fullyRandom: { masquerade: true, snat: false } },
    ipv4: [`${inside} -j SNAT --to-source 1.2.3.4`],
    ipv6: [`${inside6} -j MASQUERADE --random-fully`],
  },
]

for (const { what, settings, ipv4, ipv6 } of variants) {
  t.test(`outgoing rules with ${what}`, async (t) => {
    const cluster = dualStack().nat(settings)
    t.same(outgoing(cluster, 'ipv4'), ipv4)
    t.same(outgoing(cluster, 'ipv6'), ipv6)
  })
}

t.test('without natOutgoing nothing of ours is wanted, and again so when it ends', async (t) => {
  const cluster = new Cluster('a').set(node('a', '172.20.0.11/24'), pool('p', '10.65.0.0/16'))
  t.same(wanted(cluster), [])
  cluster.set(pool('p', '10.65.0.0/16', { natOutgoing: true }))
  t.same(wanted(cluster), [
    'caracal-masq-pools-v4',
    'caracal-masq-pools-v4 10.65.0.0/16',
    'caracal-pools-v4',
    'caracal-pools-v4 10.65.0.0/16',
    'ipv4 -A POSTROUTING -j caracal-POSTROUTING',
    'ipv4 -A caracal-POSTROUTING -j caracal-nat-outgoing',
    `ipv4 -A caracal-nat-outgoing ${inside} -j MASQUERADE --random-fully`,
  ])
  cluster.delete(pool('p', '10.65.0.0/16'))
  t.same(wanted(cluster), [])
})

t.test(
  'pools without NAT and disabled ones are inside, those for load balancers alone are not',
  async (t) => {
    const cluster = new Cluster('a').set(
      pool('nat', '10.65.0.0/16', { natOutgoing: true }),
      pool('plain', '10.66.0.0/16'),
      pool('drained', '10.67.0.0/16', { natOutgoing: true, disabled: true }),
      pool('services', '10.68.0.0/16', { allowedUses: ['LoadBalancer'] }),
    )
    cluster.settle()
    t.same(
      [...cluster.plan.setMembers.values()]
        .map(({ set, prefix, because }) => `${set} ${prefix}: ${because}`)
        .sort(),
      [
        'caracal-masq-pools-v4 10.65.0.0/16: pool nat has natOutgoing',
        'caracal-masq-pools-v4 10.67.0.0/16: pool drained has natOutgoing',
        'caracal-pools-v4 10.65.0.0/16: pool nat',
        'caracal-pools-v4 10.66.0.0/16: pool plain',
        'caracal-pools-v4 10.67.0.0/16: pool drained',
      ],
    )
  },
)

t.test('with hosts excluded, all nodes are in the set, and IPv4 hosts of externalNodesList', async (t) => {
  const cluster = dualStack()
    .set(node('b', '172.20.0.12/24'), node('c', '172.21.0.13/24', { ipv6Address: 'fd21::13/64' }))
    .nat({ excludeHosts: true, externalNodes: [prefix('192.0.2.0/24'), prefix('fd99::/64')] })
  const hosts = () => wanted(cluster).filter((key) => /^caracal-hosts-v\d /.test(key))
  const all = [
    'caracal-hosts-v4 172.20.0.11/32',
    'caracal-hosts-v4 172.20.0.12/32',
    'caracal-hosts-v4 172.21.0.13/32',
    'caracal-hosts-v4 192.0.2.0/24',
    'caracal-hosts-v6 fd20::11/128',
    'caracal-hosts-v6 fd21::13/128',
  ]
  t.same(hosts(), all)

  cluster.set(node('c', '172.21.0.13/24'))
  t.same(hosts(), all.slice(0, -1), 'an address a node gives up goes, where Calico keeps it')
  cluster.nat({})
  t.same(hosts(), [])
})

t.test('one node more among many is one member more', async (t) => {
  const cluster = dualStack().nat({ excludeHosts: true })
  for (let i = 1; i <= 200; i++) cluster.set(node(`n${i}`, `172.20.1.${i}/16`))
  cluster.settle()
  const { sets, setMembers, chains } = cluster.set(node('late', '172.20.2.1/16')).settle()
  t.same([...sets, ...chains], [])
  t.same([...setMembers.keys()], ['caracal-hosts-v4 172.20.2.1/32'])
})

t.test('no IPv6 rules with ipv6Support false', async (t) => {
  const cluster = dualStack()
  cluster.plan.settings({ ...settings, kernel: { ...settings.kernel, ipv6: false } })
  t.same(
    wanted(cluster).filter((text) => /v6/.test(text)),
    [],
  )
})

const because = 'test'
const tunl0: Tunnel = {
  name: 'tunl0',
  mtu: 1480,
  address: address('10.65.0.64'),
  checksumOffload: true,
  because,
}
const vxlan: Tunnel = {
  name: 'vxlan.calico',
  mtu: 1450,
  address: address('10.65.0.65'),
  checksumOffload: true,
  vxlan: { vni: 4096, port: 4789, local: address('172.20.0.11'), parent: 'eth0', mac: '66:3e:ca:a4:db:65' },
  because,
}
const vxlan6: Tunnel = { ...vxlan, name: 'vxlan-v6.calico', address: address('fd66::1') }

function tunnelRules(family: string, ...tunnels: Tunnel[]): string[] {
  const { facts } = new Cluster('a').plan
  const byName = new Map<TunnelName, Tunnel>(tunnels.map((tunnel) => [tunnel.name, tunnel]))
  const chain = chainFor(`${family} caracal-POSTROUTING`, {
    facts,
    tunnels: byName,
    settings: settings.nat,
    ipv6: true,
  })
  return chain?.rules.map(({ rule }) => rule) ?? []
}

const notOfDevice = '-m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL'

t.test('the host’s own packets into tunnels get the address of the tunnel', async (t) => {
  const any = (device: string) => `-o ${device} ${notOfDevice} -j MASQUERADE --random-fully`
  const udp = (device: string, ports: string) =>
    `-p udp -o ${device} ${notOfDevice} -j MASQUERADE --to-ports ${ports} --random-fully`

  t.same(tunnelRules('ipv4', tunl0), [any('tunl0')], 'IPIP alone')
  t.same(
    tunnelRules('ipv4', vxlan, tunl0, vxlan6),
    [udp('tunl0', '4790-65535'), any('tunl0'), udp('vxlan.calico', '4790-65535'), any('vxlan.calico')],
    'beside VXLAN, UDP of all tunnels keeps off its port',
  )
  t.same(tunnelRules('ipv6', tunl0, vxlan, vxlan6), [
    udp('vxlan-v6.calico', '4790-65535'),
    any('vxlan-v6.calico'),
  ])
  const highPort = { ...vxlan, vxlan: { ...vxlan.vxlan!, port: 60_000 } }
  t.same(tunnelRules('ipv4', highPort)[0], udp('vxlan.calico', '1024-59999'), 'the wider side of the port')
  const { address: _, ...addressless } = tunl0
  t.same(tunnelRules('ipv4', addressless), [], 'no address yet, nothing to give')
})

t.test('every rule and every member says why', async (t) => {
  const cluster = dualStack().nat({ portRange: { first: 1024, last: 2047 }, excludeHosts: true })
  cluster.settle()
  const { sets, setMembers, chains } = cluster.plan
  const items = [
    ...sets.values(),
    ...setMembers.values(),
    ...[...chains.values()].flatMap((c) => [c, ...c.rules]),
  ]
  for (const { because } of items) t.match(because, /^[\w(),: -]+$/)
})

t.test('names fit the kernel: 31 characters for a set, 28 for a chain', async (t) => {
  const cluster = dualStack().nat({ excludeHosts: true })
  cluster.settle()
  t.equal(cluster.plan.sets.size, 6)
  for (const name of cluster.plan.sets.keys()) t.ok(`${name}-new`.length <= 31, name)
  for (const { name } of cluster.plan.chains.values()) t.ok(name.length <= 28, name)
})
