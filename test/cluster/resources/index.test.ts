// What holds for every kind alike.

import fc from 'fast-check'
import t from 'tap'
import { toDocuments } from '../../../src/cluster/documents.ts'
import { documentFromEtcd, etcdKey, prefixesOf } from '../../../src/cluster/etcd-keys.ts'
import { kinds } from '../../../src/cluster/feed.ts'
import { printJson } from '../../../src/cluster/json.ts'
import { parseDocument } from '../../../src/cluster/resources/index.ts'
import { recordedKeys } from '../../kit/recordings.ts'

const anything = fc.anything({ withBigInt: true, maxDepth: 3 })

/** Documents of every kind with one value in them replaced by something else. */
const damaged = fc
  .tuple(fc.constantFrom(...recordedKeys()), fc.nat(), anything)
  .map(([{ key, value }, at, wrong]) => ({ key, value: replaceNth(JSON.parse(value), at, wrong) }))

t.test('whatever stands where a value should, the answer is a resource or a sentence', async () => {
  fc.assert(
    fc.property(damaged, ({ key, value }) => {
      const document = fromEtcd(key, printJson(value))
      if (!document) return true
      const parsed = parseDocument(document)
      return (
        'resource' in parsed ||
        (parsed.problems.length > 0 && parsed.problems.every(({ message }) => message !== ''))
      )
    }),
    { numRuns: 2_000 },
  )
})

t.test('whatever is handed in as a document is read or refused in words', async () => {
  const shaped = fc.record(
    {
      apiVersion: fc.constantFrom('projectcalico.org/v3', 'crd.projectcalico.org/v1', 'v1'),
      kind: fc.constantFrom<string>(...kinds, 'ipPool', 'bgpPeer', 'node', 'List'),
      metadata: fc.oneof(
        anything,
        fc.record({ name: fc.oneof(fc.string(), anything), cidr: anything, labels: anything }),
      ),
      spec: fc.oneof(anything, fc.record({ ipip: anything, cidr: anything })),
      items: anything,
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(fc.oneof(anything, shaped), (raw) => {
      const { documents, problems } = toDocuments(raw, 'f')
      for (const document of documents) parseDocument(document)
      return problems.every(({ subject, message }) => subject === 'f' && message !== '')
    }),
    { numRuns: 2_000 },
  )
})

t.test('labels that are no text are refused: a selector could not look at them', async (t) => {
  for (const kind of ['Node', 'WorkloadEndpoint'] as const) {
    const spec = { node: 'node-a', interfaceName: 'cali1' }
    const value = printJson({ metadata: { labels: { rack: 1 } }, spec })
    const parsed = parseDocument(documentFromEtcd(etcdKey(kind, 'x'), value, '1')!)
    t.match(parsed, {
      problems: [{ field: 'metadata.labels', message: '{"rack":1} is not a mapping of names to text' }],
    })
  }
})

t.test('every kind has a place in etcd', async (t) => {
  for (const kind of kinds) t.ok(prefixesOf(kind).length > 0, kind)
})

function fromEtcd(key: string, value: string) {
  try {
    return documentFromEtcd(key, value, '1')
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** The `at`-th value inside `value`, modulo how many there are, replaced. */
function replaceNth(value: unknown, at: number, by: unknown): unknown {
  let left = at % count(value)
  const walk = (inner: unknown): unknown => {
    if (left-- === 0) return by
    if (Array.isArray(inner)) return inner.map(walk)
    if (typeof inner !== 'object' || inner === null) return inner
    return Object.fromEntries(Object.entries(inner).map(([name, entry]) => [name, walk(entry)]))
  }
  return walk(value)
}

function count(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce((sum: number, entry) => sum + count(entry), 1)
}
