// The same cluster data, the same NAT: rules and sets that real Felix left on a node (test/recordings/felix), names aside.

import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { planSettings } from '../../src/agent/settings.ts'
import { documentFromEtcd } from '../../src/cluster/etcd-keys.ts'
import { resolveSettings } from '../../src/config/resolve.ts'
import { type Address, parseAddress } from '../../src/inet/address.ts'
import { hostPrefix } from '../../src/inet/prefix.ts'
import { Cluster } from '../kit/plan.ts'

interface Recording {
  readonly kvs: readonly { readonly key: string; readonly value: string }[]
  readonly 'node-a': Readonly<Record<string, string>>
}

const folder = new URL('../recordings/felix/', import.meta.url)

/** Felix's names of the sets, and ours. */
const names = ['4', '6'].flatMap((v) => [
  [`cali${v}0masq-ipam-pools`, `caracal-masq-pools-v${v}`],
  [`cali${v}0network-ip-pools`, `caracal-pools-v${v}`],
  [`cali${v}0all-hosts-net`, `caracal-hosts-v${v}`],
]) as readonly (readonly [string, string])[]

for (const file of readdirSync(folder)) {
  t.test(`${file}: NAT rules and members of sets are Felix's`, async (t) => {
    const recording: Recording = JSON.parse(readFileSync(new URL(file, folder), 'utf8'))
    const { plan } = load(recording)
    plan.settle()
    const printed = recording['node-a']
    const ours = (family: string) => [...plan.chains.values()].filter((chain) => chain.family === family)
    for (const [family, save] of [
      ['ipv4', 'iptables-save -t nat'],
      ['ipv6', 'ip6tables-save -t nat'],
    ] as const) {
      t.same(ours(family).flatMap(ourRules), felixRules(printed[save]!), family)
    }
    for (const set of plan.sets.keys()) {
      const members = [...plan.setMembers.values()].filter((member) => member.set === set)
      t.same(members.map(({ prefix }) => prefix).sort(), felixMembers(printed['ipset save']!, set), set)
    }
  })
}

function load({ kvs }: Recording): Cluster {
  const documents = kvs.flatMap(({ key, value }) => documentFromEtcd(key, value, '1') ?? [])
  const spec = documents.find(({ kind }) => kind === 'FelixConfiguration')?.spec as Record<string, unknown>
  const felixConfigurations = [{ name: 'default', values: spec }]
  const { values } = resolveSettings({ environment: {}, hostname: 'node-a', felixConfigurations })
  return new Cluster('node-a')
    .nat(planSettings(values).nat)
    .set(...documents)
    .link('eth0', '172.20.0.11/24', 'fd20::11/64')
}

/** Rules that do something to packets, in order; the words of each in alphabetical order, as iptables has its own. */
function ourRules({ rules }: { rules: readonly { rule: string }[] }): string[] {
  return rules.flatMap(({ rule }) => (rule.startsWith('-j ') ? [] : sorted(rule)))
}

/** The tunnel rules stand in another chain than ours of natOutgoing, which comes later in the output. */
function felixRules(printed: string): string[] {
  return printed.split('\n').flatMap((line) => {
    const [, rule] = /^-A cali-(?:POSTROUTING|nat-outgoing) (.*)$/.exec(line) ?? []
    return rule === undefined || / -j cali-/.test(rule) ? [] : sorted(renamed(rule))
  })
}

function sorted(rule: string): string {
  return rule
    .replace(/-m comment --comment "[^"]*" ?/, '')
    .split(' ')
    .sort()
    .join(' ')
}

function renamed(text: string): string {
  return names.reduce((done, [felix, ours]) => done.replaceAll(felix, ours), text)
}

function felixMembers(printed: string, set: string): string[] {
  return renamed(printed)
    .split('\n')
    .filter((line) => line.startsWith(`add ${set} `))
    .map((line) => line.split(' ')[2]!)
    .map((member) => (parseAddress(member) ? hostPrefix(member as Address) : member))
    .sort()
}
