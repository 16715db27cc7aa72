// What `agent uninstall` removes from a node, and what it leaves.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { uninstall } from '../../src/agent/uninstall.ts'
import { uninstallText } from '../../src/cli/uninstall.ts'
import { openSavedState } from '../../src/edge/kernel/saved-state.ts'
import { prefix } from '../../src/inet/prefix.ts'
import { type Namespace, namespace } from '../kit/namespace.ts'
import { follow, natPool, sh } from '../kit/nat.ts'
import { needsRoot } from '../kit/needs-root.ts'

const ours = [
  'route add blackhole 10.65.0.0/26 proto 80',
  'route add 10.65.1.0/26 via 172.18.0.4 dev eth0 proto 80 onlink',
  'route add 10.65.2.0/26 via 10.65.2.0 dev vxlan.calico onlink',
  'route add 192.0.2.0/24 via 172.18.0.9 dev eth0 proto bird', // learned, and noted as ours
]
const ofOthers = [
  'route add 10.65.3.0/26 via 172.18.0.4 dev eth0 proto static',
  'route add 198.51.100.0/24 via 172.18.0.9 dev eth0 proto bird',
  'route add 10.65.0.2 dev caliaaa scope link', // of a pod
]

t.test('what we made goes, in an order that holds; what others made stays', needsRoot, async (t) => {
  const { ns, environment, stateFile } = await node(t)
  const before = everything(ns)
  const planned = await uninstall(environment, { dryRun: true, keepRoutes: false }, ns.name)
  t.equal(everything(ns), before, 'a dry run changes nothing')
  t.ok(existsSync(stateFile))
  const done = await uninstall(environment, { dryRun: false, keepRoutes: false }, ns.name)
  t.same(done, planned, 'and says what the other does')
  const lines = uninstallText(done, false).trimEnd().split('\n')
  t.same(lines, [
    'removed  route 10.65.1.0/26 via 172.18.0.4 dev eth0 proto 80 onlink',
    'removed  route 10.65.2.0/26 via 10.65.2.0 dev vxlan.calico onlink',
    'removed  route 192.0.2.0/24 via 172.18.0.9 dev eth0 proto bird',
    'removed  route blackhole 10.65.0.0/26 proto 80',
    'removed  device vxlan.calico',
    'removed  nat chain ipv4 caracal-nat-outgoing',
    'removed  nat chain ipv4 caracal-POSTROUTING',
    'removed  nat chain our rule in ipv4 POSTROUTING',
    'removed  set caracal-masq-pools-v4',
    'removed  set caracal-pools-v4',
    `removed  file ${stateFile}`,
    '11 things removed.',
  ])
  t.same(ns.show('route show proto static'), ['10.65.3.0/26 via 172.18.0.4 dev eth0'])
  t.same(ns.show('route show proto bird'), ['198.51.100.0/24 via 172.18.0.9 dev eth0'])
  t.same(ns.show('route show dev caliaaa'), ['10.65.0.2 scope link'])
  t.notMatch(everything(ns), /caracal|vxlan|proto 80/)
  t.notOk(existsSync(stateFile))
  const again = await uninstall(environment, { dryRun: false, keepRoutes: false }, ns.name)
  t.equal(uninstallText(again, false), 'There is nothing of ours on this node.\n')
})

t.test('a calico-node that has come back keeps its routes, devices and NAT', needsRoot, async (t) => {
  const { ns, environment } = await node(t)
  sh(
    ns,
    [
      'iptables-nft -t nat -N cali-POSTROUTING',
      'iptables-nft -t nat -A POSTROUTING -m comment --comment cali:0i8pjzKKPyA34aQD -j cali-POSTROUTING',
      'ipset create cali40masq-ipam-pools hash:net',
    ].join(' && '),
  )
  const before = everything(ns)
  const refused = await uninstall(environment, { dryRun: false, keepRoutes: false }, ns.name)
  t.match(refused, { unable: /calico-node keeps this node again.*--keep-routes/ })
  t.equal(everything(ns), before)
  await uninstall(environment, { dryRun: false, keepRoutes: true }, ns.name)
  t.equal(
    everything(ns),
    before
      .split('\n')
      .filter((line) => !line.includes('caracal'))
      .join('\n'),
    'only what is ours alone is gone',
  )
})

t.test('what was refused is named, and is exit code 1', async (t) => {
  const outcome = {
    items: [
      { kind: 'set', what: 'caracal-a', refused: 'in use' },
      { kind: 'set', what: 'caracal-b' },
    ] as const,
  }
  t.equal(
    uninstallText(outcome, false),
    'not removed  set caracal-a: in use\nremoved  set caracal-b\n1 thing removed, 1 refused.\n',
  )
})

/** A node on which an agent has run and stopped, among things of others. */
async function node(t: Test) {
  const ns = namespace(t)
  const agent = follow(t, ns, { backend: 'nft' })
  await agent.loop.start()
  agent.cluster.set(natPool)
  await agent.inForce()
  await agent.loop.stop()
  agent.nat.close()
  ns.ip(
    'link add vxlan.calico type vxlan id 4096 dstport 4789 local 172.18.0.2 dev eth0',
    'link set vxlan.calico up',
  )
  ns.ip(...ours, ...ofOthers)
  sh(ns, 'ipset create others hash:net')
  const directory = t.testdir()
  const stateFile = join(directory, 'caracal-routes')
  const saved = openSavedState(stateFile)
  saved.claim('pool', [prefix('10.65.0.0/16')])
  saved.claim('route', [prefix('192.0.2.0/24')])
  const environment = {
    NODENAME: 'node-a',
    DATASTORE_TYPE: 'file',
    CARACAL_STATE_DIR: directory,
    CARACAL_SOCKET: join(directory, 'no.sock'),
    FELIX_IPTABLESBACKEND: 'nft',
  }
  return { ns, environment, stateFile }
}

/** All that anybody has, without counters. */
function everything(ns: Namespace): string {
  return [
    ...ns.show('route show'),
    ...ns.show('-o link show').map((line) => line.split(':')[1]),
    sh(ns, 'iptables-nft-save -t nat').replaceAll(/^#.*$|\[\d+:\d+\]/gm, ''),
    ...sh(ns, 'ipset list -n').split('\n').sort(),
  ].join('\n')
}
