import t from 'tap'
import { bgpConfiguration, bgpPeer, node } from '../kit/documents.ts'
import { Cluster } from '../kit/plan.ts'

const nodes = [node('a', '10.0.0.1/24'), node('b', '10.0.0.2/24')]

function warnings(...documents: Parameters<Cluster['set']>): string[] {
  const cluster = new Cluster('a').set(...nodes, ...documents)
  cluster.settle()
  return cluster.plan.warnings
}

t.test('what a BGPPeer asks for and does not get is said', async (t) => {
  const tor = (spec: object) => warnings(bgpPeer('tor', { peerIP: '10.0.0.254', asNumber: 65000, ...spec }))
  t.match(tor({ keepaliveTime: '90s' }), [
    /^BGPPeer tor: keepaliveTime 90 s is more than a third .* in force$/,
  ])
  t.match(tor({ maxRestartTime: '2h' }), [/maxRestartTime 7200 s .* 4095 s are in force/])
  t.same(tor({ keepaliveTime: '80s', maxRestartTime: '1h', localASNumber: 65009 }), [])
  const nodesOnly = bgpPeer('nodes', { peerSelector: 'all()', localASNumber: 65009 })
  t.match(warnings(nodesOnly), [
    /localASNumber and numAllowedLocalASNumbers .* not in force with peerSelector/,
  ])
})

t.test('a client that knows but some of the reflectors of a cluster is warned', async (t) => {
  const reflector = (name: string, address: string, id: string) =>
    node(name, address, { routeReflectorClusterID: id, labels: { rr: name } })
  const cluster = [
    bgpConfiguration('default', { nodeToNodeMeshEnabled: false }),
    reflector('r1', '10.0.0.101/24', '1.0.0.1'),
    reflector('r2', '10.0.0.102/24', '1.0.0.1'),
    reflector('r3', '10.0.0.103/24', '1.0.0.2'),
  ]
  const to = (selector: string) => bgpPeer('rr', { node: 'a', peerSelector: selector })
  t.match(warnings(...cluster, to("rr == 'r1'")), [
    /^route reflectors r1, r2 share the cluster ID 1.0.0.1, and this node peers with r1 only/,
  ])
  t.same(warnings(...cluster, to("rr in {'r1', 'r2'}")), [], 'one of another cluster is enough for that')
  t.same(warnings(...cluster, to("rr == 'r3'")), [])
})
