// BGPPeer: what is read, defaults, and which fields exclude each other.

import t from 'tap'
import { document, refusals, resource } from '../../kit/resources.ts'

function peer(spec: object) {
  return document('BGPPeer', spec, { name: 'tor-r1' })
}

t.test('everything a peer says is read', async (t) => {
  const { nodeSelector, ...read } = resource(
    peer({
      nodeSelector: "rack == 'r1'",
      peerIP: '172.20.0.1:1179',
      asNumber: 65001,
      localASNumber: '1.10',
      password: { secretKeyRef: { name: 'bgp-secrets', key: 'tor' } },
      sourceAddress: 'None',
      maxRestartTime: '2m0s',
      keepaliveTime: '30s',
      numAllowedLocalASNumbers: 1,
      ttlSecurity: 1,
      nextHopMode: 'Keep',
      keepOriginalNextHop: false,
      reachableBy: '172.20.0.254',
      filters: ['no-default', 'second'],
      reversePeering: 'Manual',
    }),
  )
  t.equal(nodeSelector?.text, 'rack == "r1"')
  t.same(read, {
    kind: 'BGPPeer',
    name: 'tor-r1',
    node: undefined,
    peerSelector: undefined,
    localWorkloadSelector: undefined,
    peerIp: { address: '172.20.0.1', port: 1179 },
    asn: 65001,
    localAsn: 65546,
    allowedLocalAsns: 1,
    keepOriginalNextHop: false,
    nextHopMode: 'Keep',
    password: { name: 'bgp-secrets', key: 'tor' },
    sourceAddress: 'None',
    maxRestartTime: 120,
    keepaliveTime: 30,
    ttlSecurity: 1,
    reachableBy: '172.20.0.254',
    filters: ['no-default', 'second'],
    reversePeering: 'Manual',
    pathWatch: undefined,
    addPath: undefined,
    families: undefined,
    prefixLimit: undefined,
    role: undefined,
    longLivedTime: undefined,
    maintenance: { gracefulShutdown: undefined, shutdown: undefined },
  })
})

t.test('what is not said has Calico’s defaults, and empty is not said', async (t) => {
  t.match(
    resource(
      peer({ peerIP: '172.20.0.1', asNumber: 0, node: '', nodeSelector: '', nextHopMode: '', filters: null }),
    ),
    {
      node: undefined,
      nodeSelector: undefined,
      asn: undefined,
      nextHopMode: undefined,
      sourceAddress: 'UseNodeIP',
      reversePeering: 'Auto',
      ttlSecurity: 0,
      allowedLocalAsns: 0,
      filters: [],
    },
  )
  t.equal(refusals(peer({ peerSelector: 'has(rr)', asNumber: 0 })).length, 0)
})

t.test('BFD is asked for by an annotation, in these ways and no other', async (t) => {
  const watched = (bfd: string) =>
    document('BGPPeer', { peerIP: '172.20.0.1' }, { annotations: { 'caracal.io/bfd': bfd, other: 'x' } })
  const good = {
    '300ms x 3': { intervalMs: 300, multiplier: 3, multihop: false },
    '50ms x 255': { intervalMs: 50, multiplier: 255, multihop: false },
    ' 60s x1 multihop ': { intervalMs: 60_000, multiplier: 1, multihop: true },
  }
  for (const [text, expected] of Object.entries(good))
    t.same(resource(watched(text)).pathWatch, expected, text)
  t.equal(resource(watched('')).pathWatch, undefined)
  for (const text of ['on', '300 x 3', '49ms x 3', '61s x 3', '300ms x 0', '300ms x 256', '300ms x 3 far'])
    t.match(
      refusals(watched(text)),
      [/^metadata.annotations.caracal.io\/bfd: ".*" is not an interval from .*; write it like 300ms x 3$/],
      text,
    )
})

t.test('several paths are asked for by an annotation', async (t) => {
  const asking = (mode: string) =>
    document('BGPPeer', { peerIP: '172.20.0.1' }, { annotations: { 'caracal.io/add-path': mode } })
  for (const mode of ['receive', 'send', 'both']) t.equal(resource(asking(mode)).addPath, mode)
  t.match(refusals(asking('yes')), [/caracal.io\/add-path: "yes" is not one of receive, send, both/])
})

t.test('the remote end is written in these ways and no other', async (t) => {
  const good = {
    '172.20.0.1': { address: '172.20.0.1', port: undefined },
    '172.20.0.1:65535': { address: '172.20.0.1', port: 65535 },
    'FD20::1': { address: 'fd20::1', port: undefined },
    'fd20::1:1179': { address: 'fd20::1:1179', port: undefined }, // no brackets: all of it is the address
    '[fd20::1]': { address: 'fd20::1', port: undefined },
    '[fd20::1]:1179': { address: 'fd20::1', port: 1179 },
    'fe80::1%eth0': { address: 'fe80::1', zone: 'eth0', port: undefined },
    '[fe80::1%eth0.5]:179': { address: 'fe80::1', zone: 'eth0.5', port: 179 },
  }
  for (const [text, expected] of Object.entries(good))
    t.same(resource(peer({ peerIP: text })).peerIp, expected, text)
  const bad = [
    'tor',
    '172.20.0.1:0',
    '172.20.0.1:65536',
    '172.20.0.1:',
    '172.20.0.1/24',
    '[172.20.0.1]:179',
    '[fd20::1',
    '1.2.3:4',
  ]
  for (const text of bad) {
    t.match(
      refusals(peer({ peerIP: text })),
      [/^spec.peerIP: .* is not an IP address with or without a port; write/],
      text,
    )
  }
})

t.test('fields that exclude or need each other are named', async (t) => {
  const cases: [object, RegExp][] = [
    [{ node: 'node-a', nodeSelector: 'all()' }, /^spec.node: does not go together with spec.nodeSelector/],
    [
      { peerIP: '172.20.0.1', peerSelector: 'all()' },
      /^spec.peerIP: does not go together with spec.peerSelector/,
    ],
    [
      { peerSelector: 'all()', asNumber: 65001 },
      /^spec.asNumber: does not go together with spec.peerSelector/,
    ],
    [
      { localWorkloadSelector: 'all()', asNumber: 65001, peerIP: '1.2.3.4' },
      /^spec.localWorkloadSelector: does not/,
    ],
    [{ localWorkloadSelector: 'all()' }, /^spec.asNumber: is missing/],
    [{ reachableBy: '172.20.0.254' }, /^spec.reachableBy: needs spec.peerIP/],
    [{ reachableBy: 'fd20::1', peerIP: '172.20.0.1' }, /^spec.reachableBy: must be of the same family/],
    [
      { peerIP: '172.20.0.1', keepOriginalNextHop: true, nextHopMode: 'Self' },
      /^spec.keepOriginalNextHop: does not go/,
    ],
    [
      { peerIP: '172.20.0.1', ttlSecurity: 256 },
      /^spec.ttlSecurity: 256 is not a whole number from 0 to 255/,
    ],
    [{ peerIP: '172.20.0.1', numAllowedLocalASNumbers: -1 }, /^spec.numAllowedLocalASNumbers: /],
    [{ peerIP: '172.20.0.1', keepaliveTime: '30' }, /^spec.keepaliveTime: /],
    [{ peerIP: '172.20.0.1', filters: [7] }, /^spec.filters\[0\]: 7 is not text/],
  ]
  for (const [spec, expected] of cases) t.match(refusals(peer(spec)), [expected])
})
