import t from 'tap'
import type { PeerView } from '../../src/bgp/types.ts'
import { ailments, statusText } from '../../src/cli/status.ts'
import type { AgentStatus } from '../../src/edge/control/api.ts'
import { address } from '../../src/inet/address.ts'
import { golden } from './golden.ts'

process.env.TZ = 'UTC'

const now = Date.parse('2026-08-21T09:15:00Z')
const at = (time: string): number => Date.parse(`2026-08-${time}Z`)

function peer(
  kind: PeerView['kind'],
  ip: string,
  state: PeerView['state'],
  more?: Partial<PeerView>,
): PeerView {
  return {
    name: `${kind} ${ip}`,
    kind,
    address: address(ip),
    port: 179,
    asn: 64512,
    families: [ip.includes(':') ? 'ipv6' : 'ipv4'],
    state,
    since: at('20T09:15:00'),
    lastError: undefined,
    agreed: [],
    received: 0,
    advertised: 0,
    stale: 0,
    limit: { prefixes: 1_000_000, warnPercent: 75 },
    faults: 0,
    because: 'node-to-node mesh',
    ...more,
  }
}

const healthy: AgentStatus = {
  node: 'node-a',
  version: '0.1.0',
  pid: 4711,
  startedAt: at('20T08:00:00'),
  backend: 'bird',
  datastore: { type: 'etcdv3', state: 'in-sync', since: at('20T08:00:01'), problems: [] },
  startup: { state: 'done' },
  bgp: {
    routerId: address('10.192.0.2'),
    asn: 64512,
    listening: {
      ipv4: { endpoint: '0.0.0.0:179' },
      ipv6: { reason: 'FELIX_IPV6SUPPORT is false', intended: true },
    },
    refused: { 'not a peer': 0, 'too many connections': 0 },
    dropped: { 'signed with another password': 0 },
    peers: [peer('mesh', '10.192.0.3', 'Established')],
  },
  kernel: [
    { name: 'routes', wanted: 1204, inForce: 1204, refused: [], repairs: 2 },
    { name: 'neighbors', wanted: 3, inForce: 3, refused: [], repairs: 0 },
  ],
  frozenPolicy: [],
  warnings: [],
}

t.test('a healthy node', async (t) => {
  golden(t, 'status-healthy', statusText(healthy, now))
  t.same(ailments(healthy), [])
})

t.test(
  'the peer table is that of calicoctl v3.33, mesh first, then global, then node specific',
  async (t) => {
    const advice = 'nothing listens there: start the speaker'
    const refused = { lastError: 'Socket: Connection refused', advice, since: at('21T09:12:39') }
    const answer: AgentStatus = {
      ...healthy,
      bgp: {
        ...healthy.bgp,
        listening: { ipv4: { endpoint: '0.0.0.0:179' }, ipv6: { endpoint: '[::]:179' } },
        peers: [
          peer('node', '172.19.4.88', 'OpenSent', { since: at('20T13:15:01') }),
          peer('global', '172.19.4.87', 'Connect', { since: at('21T09:12:41') }),
          peer('mesh', '10.192.0.10', 'Passive', { since: at('20T13:15:00') }),
          peer('mesh', '10.192.0.4', 'Active', refused),
          peer('mesh', '10.192.0.3', 'Established'),
          peer('global', 'fd00::1', 'Established', { port: 1790, asn: 65001 }),
        ],
      },
    }
    golden(t, 'status-peers', statusText(answer, now))
    t.same(ailments(answer), ['4 of 6 BGP sessions not established'])
  },
)

t.test('what the kernel dropped is counted, with the reason', async (t) => {
  const dropped = { 'signed with another password': 7 }
  const answer: AgentStatus = { ...healthy, bgp: { ...healthy.bgp, dropped } }
  t.match(statusText(answer, now), '\nSegments dropped by the kernel: 7 (signed with another password).\n')
  t.same(ailments(answer), [])
})

t.test('connections that were refused are counted, and make nobody ill', async (t) => {
  const refused = { 'not a peer': 1003, 'too many connections': 0, 'too many connections in a second': 12 }
  const answer: AgentStatus = { ...healthy, bgp: { ...healthy.bgp, refused } }
  t.match(
    statusText(answer, now),
    '\nConnections refused: 1003 (not a peer), 12 (too many connections in a second).\n',
  )
  t.same(ailments(answer), [])
})

t.test('while it waits for its datastore it says so, and what it does not know yet', async (t) => {
  const answer: AgentStatus = {
    ...healthy,
    datastore: {
      type: 'etcdv3',
      state: 'waiting',
      since: at('21T09:14:30'),
      problems: [{ subject: 'etcd http://10.0.0.1:2379', message: 'connect ECONNREFUSED' }],
    },
    startup: { state: 'waiting' },
    bgp: { ...healthy.bgp, routerId: undefined, asn: undefined, peers: [] },
    kernel: [],
  }
  golden(t, 'status-waiting', statusText(answer, now))
})

t.test('a node that cannot be what its variables say is not healthy, and says why', async (t) => {
  const startup = {
    state: 'failed',
    reason: 'IP: Node node-b has 10.192.0.2 (IPv4) already; give one of them another address',
  } as const
  const answer: AgentStatus = { ...healthy, startup }
  golden(t, 'status-startup', statusText(answer, now))
  t.same(ailments({ ...healthy, startup: { state: 'waiting' } }), ['node start-up is not done'])
})

t.test('what is refused stands there in the words of who refused it', async (t) => {
  const answer: AgentStatus = {
    ...healthy,
    datastore: {
      ...healthy.datastore,
      type: 'file',
      problems: [
        {
          subject: 'IPPool/bad',
          field: 'spec.cidr',
          message: 'expected a CIDR such as 10.0.0.0/16, got "10.0.0.0/33"',
        },
        { subject: 'pools.yaml#2', message: 'not YAML:\n\u001b[31mline 3' },
      ],
    },
    bgp: {
      ...healthy.bgp,
      listening: {
        ipv4: { reason: 'listen EADDRINUSE: address already in use 0.0.0.0:179', intended: false },
        ipv6: { endpoint: '[::]:179' },
      },
    },
    kernel: [
      {
        name: 'routes',
        wanted: 2,
        inForce: 1,
        refused: [{ key: '10.0.0.0/26', reason: 'RTNETLINK answers: Network is unreachable', attempts: 3 }],
        repairs: 0,
      },
    ],
    warnings: ['FELIX_INTERFACEPREFX is not a setting of this agent'],
  }
  golden(t, 'status-refused', statusText(answer, now))
})

t.test('without BGP there are no peer tables', async (t) => {
  const answer: AgentStatus = {
    ...healthy,
    backend: 'vxlan',
    datastore: { ...healthy.datastore, state: 'synchronising' },
    bgp: { ...healthy.bgp, peers: [] },
  }
  golden(t, 'status-vxlan', statusText(answer, now))
})
