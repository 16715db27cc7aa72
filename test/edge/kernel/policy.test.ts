// Policy of calico-node that is left on a node, in the forms that Felix writes.

import t from 'tap'
import {
  parseNftTables,
  parsePolicy,
  removePolicyText,
  whereOf,
} from '../../../src/edge/kernel/policy-text.ts'
import { namespace } from '../../kit/namespace.ts'
import { follow, sh } from '../../kit/nat.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { until } from '../../kit/until.ts'

/** As Felix v3.28 leaves it for iptables-restore, among rules of others; `set` is one of its sets of hosts. */
const felix = (set: string) => `*filter
:cali-FORWARD - [0:0]
:cali-INPUT - [0:0]
:cali-from-wl-dispatch - [0:0]
:cali-tw-caliaaa - [0:0]
:OTHERS - [0:0]
-A INPUT -m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT
-A FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD
-A FORWARD -m comment --comment "others: cali is fine" -j OTHERS
-A FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT
-A cali-INPUT -p 4 -m comment --comment "cali:PajejrV4aFdkZojI" -m set --match-set ${set} src -j ACCEPT
-A cali-FORWARD -i cali+ -m comment --comment "cali:8ZoYfO5HKXWbB3pk" -j cali-from-wl-dispatch
-A cali-FORWARD -o caliaaa -j cali-tw-caliaaa
-A cali-from-wl-dispatch -m comment --comment "cali:zTj6P0TIgYvgz-md" -m comment --comment "Unknown interface" -j DROP
COMMIT
*raw
:cali-PREROUTING - [0:0]
-A PREROUTING -m comment --comment "cali:6gwbT8clXdHdC1b1" -j cali-PREROUTING
-A cali-PREROUTING -i cali+ -m comment --comment "cali:ETlqUVYYuAZw5Mjg" -j RETURN
COMMIT
*mangle
:cali-POSTROUTING - [0:0]
-A POSTROUTING -m comment --comment "cali:O3lYWMrLQYEMJtB5" -j cali-POSTROUTING
COMMIT
*nat
:cali-POSTROUTING - [0:0]
-A POSTROUTING -m comment --comment "cali:0i8pjzKKPyA34aQD" -j cali-POSTROUTING
COMMIT
`

t.test('policy is found by names and comments; NAT is the affair of others', async (t) => {
  const found = parsePolicy(felix('cali40all-hosts-net'), 'ipv4', 'legacy')
  t.same(found.map(whereOf), [
    'table filter (iptables-legacy, IPv4)',
    'table raw (iptables-legacy, IPv4)',
    'table mangle (iptables-legacy, IPv4)',
  ])
  const [filter] = found
  t.same(
    removePolicyText(filter as never)
      .split('\n')
      .slice(0, 5),
    [
      '*filter',
      '-D INPUT -m comment --comment "cali:Cz_u1IQiXIMmKD4c" -j cali-INPUT',
      '-D FORWARD -m comment --comment "cali:wUHhoiAYhphO9Mso" -j cali-FORWARD',
      '-D FORWARD -m comment --comment "cali:S93hcgKJrXEqnTfs" -m comment --comment "Policy explicitly accepted packet." -m mark --mark 0x10000/0x10000 -j ACCEPT',
      ':cali-FORWARD - [0:0]',
    ],
  )
})

t.test('where there is none, none is found', async (t) => {
  t.same(
    parsePolicy(
      '*filter\n:INPUT ACCEPT [0:0]\n:cilium_x - [0:0]\n-A INPUT -j cilium_x\nCOMMIT\n',
      'ipv4',
      'nft',
    ),
    [],
  )
  t.same(parsePolicy('', 'ipv6', 'nft'), [])
})

t.test('tables of nftables are known by their names', async (t) => {
  const text =
    'table ip filter\ntable ip calico\ntable ip6 calico\ntable arp calico-arp\ntable inet calico2\n'
  t.same(parseNftTables(text).map(whereOf), [
    'table ip calico (nftables)',
    'table ip6 calico (nftables)',
    'table arp calico-arp (nftables)',
  ])
})

const calicoSets = ['cali40all-hosts-net', 'cali40s:policy-1', 'cali40masq-ipam-pools']

for (const backend of ['nft', 'legacy'] as const) {
  t.test(`${backend}: frozen policy is named and left alone, with its sets`, needsRoot, async (t) => {
    const ns = namespace(t)
    lay(ns, backend)
    const { nat, loop, warnings } = follow(t, ns, { backend })
    await loop.start()
    loop.allowPrune()
    await until(
      'NAT of calico-node is gone',
      () => !sh(ns, `iptables-${backend}-save -t nat`).includes('cali'),
    )
    await until('so is the set that only it needed', () => !setsOf(ns).includes('cali40masq-ipam-pools'))
    t.same(nat.frozenPolicy, where(backend))
    t.same(warnings, [`policy of calico-node is frozen: ${where(backend).join(', ')}`])
    t.match(sh(ns, `iptables-${backend}-save`), /-A cali-from-wl-dispatch .*-j DROP/)
    t.same(setsOf(ns), ['cali40all-hosts-net', 'cali40s:policy-1', 'others'])
  })

  t.test(`${backend}: asked for, it is removed, and nothing else`, needsRoot, async (t) => {
    const ns = namespace(t)
    lay(ns, backend)
    const { nat, loop } = follow(t, ns, { backend, removePolicyChains: true })
    await loop.start()
    t.same(nat.frozenPolicy, where(backend), 'not before pruning is allowed')
    loop.allowPrune()
    await until('it is gone', () => nat.frozenPolicy.length === 0)
    await until('its sets follow', () => `${setsOf(ns)}` === 'others')
    const left = sh(ns, `iptables-${backend}-save`)
      .split('\n')
      .filter((line) => /cali|OTHERS/.test(line))
    t.same(left, [':OTHERS - [0:0]', '-A FORWARD -m comment --comment "others: cali is fine" -j OTHERS'])
    sh(ns, 'ipset create cali40s:later hash:net')
    await nat.sets.resync()
    t.equal(nat.sets.backlog(true), 0, 'a set that comes later is used by who made it')
  })
}

t.test('tables of nftables are removed whole', needsRoot, async (t) => {
  const ns = namespace(t)
  sh(ns, 'nft add table ip calico && nft add table ip others')
  const { nat, loop } = follow(t, ns, { removePolicyChains: true })
  await loop.start()
  t.same(nat.frozenPolicy, ['table ip calico (nftables)'])
  loop.allowPrune()
  await until('it is gone', () => nat.frozenPolicy.length === 0)
  t.same(sh(ns, 'nft list tables').match(/calico|others/g), ['others'])
})

function lay(ns: ReturnType<typeof namespace>, backend: string): void {
  sh(ns, [...calicoSets, 'others'].map((name) => `ipset create ${name} hash:net`).join(' && '))
  sh(ns, `iptables-${backend}-restore --noflush <<'END'\n${felix('cali40all-hosts-net')}END`)
}

function where(backend: string): string[] {
  return ['filter', 'mangle', 'raw'].map((table) => `table ${table} (iptables-${backend}, IPv4)`)
}

function setsOf(ns: ReturnType<typeof namespace>): string[] {
  return sh(ns, 'ipset list -n').split('\n').filter(Boolean).sort()
}
