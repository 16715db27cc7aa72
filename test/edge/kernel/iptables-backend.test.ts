import t from 'tap'
import { chooseBackend, detectBackend, iptables } from '../../../src/edge/kernel/iptables-backend.ts'
import { CommandError, type OpenProgram, openProgram } from '../../../src/edge/kernel/run.ts'

const hint = '*mangle\n:PREROUTING ACCEPT [0:0]\n:KUBE-IPTABLES-HINT - [0:0]\nCOMMIT\n'
const canary = hint.replace('KUBE-IPTABLES-HINT', 'KUBE-KUBELET-CANARY')
const rules = (count: number) => `*filter\n${'-A INPUT -j ACCEPT\n'.repeat(count)}COMMIT\n`

const cases: readonly (readonly [what: string, nft: string, legacy: string, chosen: 'nft' | 'legacy'])[] = [
  ['kubelet’s hint in nft', hint, rules(9), 'nft'],
  ['kubelet’s hint in legacy', rules(9), hint, 'legacy'],
  ['the older hint', canary, '', 'nft'],
  ['hints in both: nft is asked first', hint, hint, 'nft'],
  ['a chain of that name in another table is no hint', hint.replace('mangle', 'nat'), rules(1), 'legacy'],
  ['more rules in nft', rules(3), rules(2), 'nft'],
  ['more rules in legacy', rules(2), rules(3), 'legacy'],
  ['as many in both', rules(2), rules(2), 'legacy'],
  ['nothing anywhere', '', '', 'legacy'],
]

for (const [what, nft, legacy, chosen] of cases) {
  t.test(`${chosen}: ${what}`, async (t) => t.equal(chooseBackend(nft, legacy), chosen))
}

/** A host with these programs: what each prints, by its name. */
function host(programs: Readonly<Record<string, string>>) {
  const asked: string[] = []
  const open: OpenProgram = (name) => ({
    ...openProgram(name),
    text: async (...args) => {
      asked.push([name, ...args].join(' '))
      const printed = programs[name]
      if (printed === undefined) throw new CommandError([name, ...args], `spawn ${name} ENOENT`, undefined)
      return printed
    },
  })
  return { open, asked }
}

t.test('what is set is taken, without looking', async (t) => {
  const { open, asked } = host({})
  t.equal(await detectBackend(open, 'legacy'), 'legacy')
  t.same(asked, [])
})

t.test(
  'rules of both families count, and no table of the legacy one is named, which would load it',
  async (t) => {
    const { open, asked } = host({
      'iptables-nft-save': '',
      'ip6tables-nft-save': rules(3),
      'iptables-legacy-save': rules(2),
    })
    t.equal(await detectBackend(open, 'auto'), 'nft')
    t.same(
      asked.filter((argv) => argv.includes(' ')),
      [],
    )
  },
)

t.test('the default, legacy, is left alone where it does not work', async (t) => {
  t.equal(await detectBackend(host({ 'iptables-nft-save': '' }).open, 'auto'), 'nft')
  t.equal(await detectBackend(host({ 'iptables-legacy-save': '' }).open, 'auto'), 'legacy')
})

t.test('each variant has a name of its own', async (t) => {
  t.equal(iptables('ipv4', 'nft', 'save'), 'iptables-nft-save')
  t.equal(iptables('ipv6', 'legacy', 'restore'), 'ip6tables-legacy-restore')
})
