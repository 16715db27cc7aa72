// Text of ipset(8), and what it is taken for. The kinds on a real kernel are in nat.test.ts.

import t from 'tap'
import { cureFor } from '../../../src/edge/kernel/cures.ts'
import { summary } from '../../../src/edge/kernel/ipset-watch.ts'
import { isOwnSet, parseMember, parseSet } from '../../../src/edge/kernel/ipsets.ts'
import { concernsUs } from '../../../src/edge/kernel/iptables-watch.ts'

const because = 'found in the kernel'

t.test('sets and members as ipset save prints them', async (t) => {
  const rest = 'hashsize 1024 maxelem 1048576 bucketsize 12 initval 0x45270add'
  t.same(parseSet(`create caracal-pools-v6 hash:net family inet6 ${rest}`), {
    name: 'caracal-pools-v6',
    family: 'ipv6',
    maxElements: 1_048_576,
    because,
  })
  t.match(parseSet(`create caracal-pools-v4 hash:ip family inet ${rest}`), {
    family: 'ipv4',
    type: 'hash:ip',
  })
  t.equal(parseSet('add caracal-pools-v4 10.65.0.0/16'), undefined)
  t.same(parseMember('add caracal-pools-v4 10.65.0.0/16'), {
    set: 'caracal-pools-v4',
    prefix: '10.65.0.0/16',
    because,
  })
  t.match(parseMember('add caracal-hosts-v4 172.20.0.11'), { prefix: '172.20.0.11/32' })
  t.match(parseMember('add caracal-hosts-v6 fd20::11'), { prefix: 'fd20::11/128' })
  t.equal(parseMember(`create caracal-pools-v4 hash:net family inet ${rest}`), undefined)
})

t.test('whose a set is shows in its name', async (t) => {
  for (const name of [
    'caracal-pools-v4',
    'caracal-pools-v4-new',
    'cali40masq-ipam-pools',
    'cali60all-ipam-pools',
  ]) {
    t.ok(isOwnSet(name), name)
  }
  for (const name of ['cali40all-hosts-net', 'cali40s:policy', 'cali40masq-ipam-pools2', 'KUBE-CLUSTER-IP']) {
    t.notOk(isOwnSet(name), name)
  }
})

t.test('a change of references or memory is no change, one of members is', async (t) => {
  const text = (references: number, members: number, others: number) => [
    'Name: caracal-pools-v4',
    'Type: hash:net',
    `Size in memory: ${456 + 48 * members}`,
    `References: ${references}`,
    `Number of entries: ${members}`,
    '',
    'Name: cali40s:policy',
    `Number of entries: ${others}`,
  ]
  const before = summary(text(1, 1, 1))
  t.equal(summary(text(2, 1, 5)), before)
  t.not(summary(text(1, 2, 1)), before)
  t.not(summary(text(1, 1, 1).slice(6)), before)
})

t.test('of the events of nftables those count that may be about our rules', async (t) => {
  for (const line of [
    ' EVENT: -4 -t nat -D POSTROUTING -m comment --comment "caracal:0i8pjzKKPyA34aQD x" -j caracal-POSTROUTING',
    ' EVENT: -6 -t nat -X caracal-nat-outgoing',
    ' EVENT: -4 -t nat -A POSTROUTING -s 192.0.2.1/32 -j ACCEPT',
    ' EVENT: nft: DEL table: table nat ip flags 0 use 0 handle 1',
  ])
    t.ok(concernsUs(line), line)
  for (const line of [
    ' EVENT: -4 -t nat -A KUBE-SERVICES -d 10.96.0.1/32 -j KUBE-SVC-NPX46M4PTMTKRN6Y',
    ' EVENT: -4 -t filter -A cali-FORWARD -j ACCEPT',
    'NEWGEN: GENID=2 PID=6056 NAME=iptables-nft',
  ])
    t.notOk(concernsUs(line), line)
})

/** Words of the tools, and the sentence a person gets. */
const refusals: readonly (readonly [program: string, words: string, said: RegExp | string])[] = [
  ['ipset', 'spawn ipset ENOENT', 'ipset is not installed; install it (Debian: ipset)'],
  [
    'ip6tables-nft-restore',
    'exec of "ip6tables-nft-restore" failed: No such file or directory',
    /not installed.*iptables\)$/,
  ],
  [
    'ipset',
    'ipset v7.17: Cannot open session to kernel.',
    /session to kernel\.; load the kernel module ip_set/,
  ],
  [
    'iptables-legacy-restore',
    "Ignoring deprecated --wait-interval option.\niptables-restore v1.8.9 (legacy): Set x doesn't exist.\n\nError occurred at line: 3\nTry `iptables-restore -h' or 'iptables-restore --help' for more information.",
    "iptables-restore v1.8.9 (legacy): Set x doesn't exist.",
  ],
  [
    'iptables-nft-restore',
    'Warning: Extension set revision 0 not supported, missing kernel module?',
    /xt_set/,
  ],
  [
    'ip6tables-legacy-restore',
    "can't initialize ip6tables table `nat': Table does not exist",
    /modules of the nat table/,
  ],
]

for (const [program, words, said] of refusals) {
  t.test(`${program}: ${words.split('\n')[0]}`, async (t) => {
    if (typeof said === 'string') t.equal(cureFor(program, words), said)
    else t.match(cureFor(program, words), said)
  })
}
