import t from 'tap'
import type { Document } from '../../../src/cluster/feed.ts'
import type { BgpPeer } from '../../../src/cluster/model.ts'
import { parseDocument } from '../../../src/cluster/resources/index.ts'

const ours = (annotations: Record<string, string>) =>
  Object.fromEntries(Object.entries(annotations).map(([name, text]) => [`caracal.io/${name}`, text]))

function peer(annotations: Record<string, string>): Document {
  const metadata = { name: 'tor', annotations: ours(annotations) }
  return { apiVersion: 'projectcalico.org/v3', kind: 'BGPPeer', metadata, spec: { peerIP: '172.20.0.1' } }
}

/** What is asked of a Node is read as what is asked of a BGPPeer. */
function read(document: Document): BgpPeer {
  const parsed = parseDocument(document)
  if ('problems' in parsed) throw new Error(parsed.problems.map(({ message }) => message).join())
  return parsed.resource as BgpPeer
}

function refusal(annotations: Record<string, string>): string {
  const parsed = parseDocument(peer(annotations))
  return 'problems' in parsed ? parsed.problems.map(({ message }) => message).join() : 'accepted'
}

t.test('maintenance is asked for with the words why, of a peer or of a node', async (t) => {
  const asked = { 'graceful-shutdown': 'moving to rack 4', shutdown: 'ticket 4711' }
  const expected = { gracefulShutdown: 'moving to rack 4', shutdown: 'ticket 4711' }
  t.same(read(peer(asked)).maintenance, expected)
  const metadata = { name: 'node-a', annotations: { ...ours(asked), 'example.com/other': 'x' } }
  t.same(read({ apiVersion: 'projectcalico.org/v3', kind: 'Node', metadata, spec: {} }).maintenance, expected)
})

t.test('nothing, and false, is no maintenance', async (t) => {
  const none = { gracefulShutdown: undefined, shutdown: undefined }
  t.same(read(peer({ 'graceful-shutdown': 'false', shutdown: '' })).maintenance, none)
})

t.test('a limit of prefixes, with a share to warn at and a time to start again after', async (t) => {
  const limit = (text: string) => read(peer({ 'max-prefixes': text })).prefixLimit
  t.same(limit('1000'), { prefixes: 1000, warnPercent: 75, restartAfter: undefined })
  t.same(limit(' 1000 warn 80% restart 5m '), { prefixes: 1000, warnPercent: 80, restartAfter: 300 })
  t.same(limit('2000000 restart 1h'), { prefixes: 2_000_000, warnPercent: 75, restartAfter: 3600 })
  for (const text of ['0', 'many', '1000 warn 0%', '1000 warn 101%', '1000 restart 0s', '1000 restart 5'])
    t.match(refusal({ 'max-prefixes': text }), /is not a number of prefixes.*1000 warn 80% restart 5m/, text)
})

t.test('the limit of mesh sessions is one of the default configuration', async (t) => {
  const configuration = (name: string, text: string) =>
    parseDocument({
      apiVersion: 'projectcalico.org/v3',
      kind: 'BGPConfiguration',
      metadata: { name, annotations: ours({ 'max-prefixes': text }) },
      spec: {},
    })
  t.match(configuration('default', '500 warn 90%'), {
    resource: { meshPrefixLimit: { prefixes: 500, warnPercent: 90, restartAfter: undefined } },
    warnings: [],
  })
  t.match(configuration('node.a', '500'), {
    resource: { meshPrefixLimit: undefined },
    warnings: [{ field: 'metadata.annotations', message: /in BGPConfiguration\/default only/ }],
  })
  t.match(configuration('default', 'few'), { problems: [{ message: /is not a number of prefixes/ }] })
})

t.test('a role, which the peer may have to confirm', async (t) => {
  t.same(read(peer({ role: 'customer' })).role, { name: 'customer', strict: false })
  t.same(read(peer({ role: 'rs-client strict' })).role, { name: 'rs-client', strict: true })
  for (const text of ['sibling', 'strict', 'peer loose', 'peer strict strict'])
    t.match(refusal({ role: text }), /is not provider, customer, peer, rs or rs-client/, text)
})

t.test('families carried', async (t) => {
  t.same(read(peer({ families: 'ipv6,ipv4' })).families, ['ipv4', 'ipv6'])
  t.same(read(peer({ families: 'ipv4' })).families, ['ipv4'])
  for (const text of ['both', 'ipv4, ipv4', 'ipv4, ipv5'])
    t.match(refusal({ families: text }), /is not ipv4, ipv6 or both of them/, text)
})
