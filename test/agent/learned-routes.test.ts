// From what a peer announces to what the kernel holds: the whole agent beside a real BIRD 2, for routes that only come about
// with options of their sessions.

import { execFileSync } from 'node:child_process'
import t from 'tap'
import type { Document } from '../../src/cluster/feed.ts'
import { startAgent } from '../kit/agent.ts'
import { namespaces, startBird } from '../kit/bird.ts'
import { withBoth } from '../kit/both-writers.ts'
import { bgpConfiguration, bgpPeer, node } from '../kit/documents.ts'
import { until } from '../kit/until.ts'

t.setTimeout(180_000)

const DEADLINE = 30_000

/** Two ways to one destination, over two routers, and both told on one session (RFC 7911). */
const giver = `
  ipv4 table ways;
  ${[4, 5].map(way).join('')}
  protocol bgp giver {
    local 10.7.1.2 as 65001;
    neighbor 10.7.1.1 as 64512;
    connect delay time 1; connect retry time 1; error wait time 1, 1;
    ipv4 {
      table ways;
      import none;
      export filter {
        if proto = "way4" then bgp_next_hop = 10.7.1.104;
        if proto = "way5" then bgp_next_hop = 10.7.1.105;
        accept;
      };
      add paths tx;
    };
  }`

function way(number: number): string {
  return `protocol static way${number} {
    ipv4 { table ways; import filter { preference = ${100 + number}; accept; }; };
    route 10.9.0.0/24 blackhole;
  }`
}

/** IPv4 over a session and to a next hop of IPv6 (RFC 8950). */
const tor = `
  protocol static beyond { ipv4; route 10.9.1.0/24 blackhole; }
  protocol bgp tor {
    local fd07::2 as 65001;
    neighbor fd07::1 as 64512;
    connect delay time 1; connect retry time 1; error wait time 1, 1;
    ipv4 { extended next hop on; import none; export where proto = "beyond"; };
  }`

const documents = [
  node('us', '10.7.1.1/24', { ipv6Address: 'fd07::1/64' }),
  bgpConfiguration('default', { nodeToNodeMeshEnabled: false, asNumber: 64512 }),
  annotated(bgpPeer('giver', { peerIP: '10.7.1.2', asNumber: 65001 }), { 'caracal.io/add-path': 'receive' }),
  annotated(bgpPeer('tor', { peerIP: 'fd07::2', asNumber: 65001 }), { 'caracal.io/families': 'ipv4' }),
]

function annotated(document: Document, annotations: Record<string, string>): Document {
  return { ...document, metadata: { ...document.metadata, annotations } }
}

withBoth('two paths of one session are one route, and so is IPv4 by way of IPv6', async (t, writer) => {
  const net = namespaces(t, {
    us: [
      'link add eth0 type veth peer name eth0 netns bird',
      'link set eth0 up',
      'addr add 10.7.1.1/24 dev eth0',
      'addr add fd07::1/64 dev eth0 nodad',
    ],
    bird: ['link set eth0 up', 'addr add 10.7.1.2/24 dev eth0', 'addr add fd07::2/64 dev eth0 nodad'],
  })
  const bird = startBird(t, net('bird'), '10.7.1.2', giver + tor)
  const agent = startAgent(t, {
    namespace: net('us'),
    node: 'us',
    documents,
    environment: { CARACAL_ROUTE_WRITER: writer },
  })
  const learned = () =>
    execFileSync('ip', ['-n', net('us'), 'route', 'show', 'proto', 'bird'], { encoding: 'utf8' })
      .split('\n')
      .map((line) => line.replaceAll(/\s+/g, ' ').trim())
  const kernelHas = (what: string, ...lines: string[]) =>
    until(what, () => `${learned()}` === `${[...lines, '']}`, DEADLINE).catch((err: Error) => {
      throw new Error(`${err.message}\n${learned().join('\n')}\n${agent.ask('status')}\n${agent.log()}`)
    })
  const multipath = [
    '10.9.0.0/24',
    'nexthop via 10.7.1.104 dev eth0 weight 1',
    'nexthop via 10.7.1.105 dev eth0 weight 1',
  ]
  const beyond = '10.9.1.0/24 via inet6 fd07::2 dev eth0'

  await kernelHas('both', ...multipath, beyond)
  bird.ask('disable way4')
  await kernelHas('a path less', '10.9.0.0/24 via 10.7.1.105 dev eth0', beyond)
  bird.ask('enable way4')
  await kernelHas('both paths again', ...multipath, beyond)
  bird.ask('disable beyond')
  await kernelHas('none by way of IPv6', ...multipath)
})
