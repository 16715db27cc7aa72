// The file datastore: the contract, and what only files can do to it.

import { readdirSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Document } from '../../../../src/cluster/feed.ts'
import { isManifestName } from '../../../../src/edge/datastore/file/directory.ts'
import { type FileDatastoreOptions, fileDatastore } from '../../../../src/edge/datastore/file/index.ts'
import { openDatastore } from '../../../../src/edge/datastore/index.ts'
import { contract, field, type Harness, pool, refused } from '../../../kit/datastore/contract.ts'
import { type RecordingSink, recordingSink } from '../../../kit/sink.ts'
import { until } from '../../../kit/until.ts'

/** An empty directory of its own for each test. */
async function start(t: Test): Promise<Harness & { path: string }> {
  const parent = await mkdtemp(join(tmpdir(), 'caracal-file-'))
  const path = join(parent, 'manifests')
  await mkdir(path)
  t.teardown(() => rm(parent, { recursive: true, force: true }))
  const fileOf = ({ metadata }: Document) => join(path, `ippool.${metadata.name}.yaml`)
  return {
    path,
    open() {
      const datastore = openDatastore({ type: 'file', path })
      t.teardown(() => datastore.close())
      return datastore
    },
    spoil: (document) => writeFile(fileOf(document), 'kind: IPPool\nspec: [half written'),
    mend: (document) => writeFile(fileOf(document), manifest(document.metadata.name, document.spec)),
    outage: () => rename(path, `${path}.away`),
    async recover(deleted) {
      for (const { metadata } of deleted)
        await writeFile(join(`${path}.away`, `ippool.${metadata.name}.yaml`), '# nothing\n')
      await rename(`${path}.away`, path)
    },
  }
}

t.test('contract', async (t) => contract(t, start))

/** A directory with these files, and a sink that watches it and is in sync. */
async function watched(t: Test, files: Record<string, string>, options?: FileDatastoreOptions) {
  const harness = await start(t)
  const write = (name: string, text: string) => writeFile(join(harness.path, name), text)
  for (const [name, text] of Object.entries(files)) await write(name, text)
  const store = fileDatastore(harness.path, options)
  t.teardown(() => store.close())
  const sink = recordingSink()
  store.watch(sink)
  await sink.until('in sync', () => sink.log.includes('in sync'))
  const read = (name: string) => readFile(join(harness.path, name), 'utf8')
  return { ...harness, store, sink, write, read, remove: (name: string) => rm(join(harness.path, name)) }
}

function manifest(name: string, spec: unknown = { cidr: '10.66.0.0/16' }): string {
  return `apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: ${name}}
spec: ${JSON.stringify(spec)}
`
}

const ids = (sink: RecordingSink) => [...sink.documents.keys()].sort()

t.test('several documents a file, lists, JSON, and nothing else is read', async (t) => {
  const list = `apiVersion: v1\nkind: List\nitems:\n- ${manifest('c').trimEnd().replaceAll('\n', '\n  ')}\n`
  const { sink } = await watched(t, {
    'pools.yaml': `# two pools\n${manifest('a')}---\n${manifest('b')}---\n# no more\n`,
    'list.yml': list,
    'd.json': JSON.stringify({ ...pool('d'), metadata: { name: 'd', resourceVersion: '17' } }),
    '.hidden.yaml': manifest('hidden'),
    'pools.yaml~': manifest('backup'),
    '.pools.yaml.swp': 'swap',
    '#pools.yaml': manifest('autosave'),
    'README.md': 'not a manifest',
  })
  t.same(ids(sink), ['IPPool/a', 'IPPool/b', 'IPPool/c', 'IPPool/d'])
  t.not(
    sink.documents.get('IPPool/d')?.metadata.resourceVersion,
    '17',
    'revisions are ours, not those of a copy',
  )
  t.equal(sink.problems.size, 0)
})

t.test(
  'a file that does not parse keeps all of its last good documents, by file and document number',
  async (t) => {
    const good = `${manifest('a')}---\n${manifest('b')}`
    const { sink, write } = await watched(t, { 'pools.yaml': good, 'other.yaml': manifest('c') })
    await write('pools.yaml', `${manifest('a', { cidr: '10.1.0.0/16' })}---\nkind: [IPPool\nmetadata: {}\n`)
    await sink.until('the problem', () => sink.problems.has('pools.yaml#2'))
    t.match(sink.problems.get('pools.yaml#2')?.[0]?.message, /line 7.*last good version/)
    t.equal(field(sink, 'IPPool/a', 'cidr'), '10.66.0.0/16', 'not even its good part is taken')
    await write('pools.yaml', manifest('a', { cidr: '10.1.0.0/16' }))
    await sink.until('healed', () => sink.problems.size === 0)
    t.same(ids(sink), ['IPPool/a', 'IPPool/c'])
    t.equal(field(sink, 'IPPool/a', 'cidr'), '10.1.0.0/16')
  },
)

t.test('an unusable document costs only itself, and its last good version stays', async (t) => {
  const { sink, write } = await watched(t, { 'pools.yaml': `${manifest('a')}---\n${manifest('b')}` })
  await write(
    'pools.yaml',
    `${manifest('a', { cidr: '10.1.0.0/16' })}---\n${manifest('b').replace('IPPool', 'IPPoool')}`,
  )
  await sink.until('the problem', () => sink.problems.has('pools.yaml#2'))
  t.match(sink.problems.get('pools.yaml#2')?.[0], { message: /IPPoool/ })
  t.equal(field(sink, 'IPPool/a', 'cidr'), '10.1.0.0/16')
  t.same(ids(sink), ['IPPool/a', 'IPPool/b'])
})

t.test('of two objects of one name the first in byte order of the files stays in force', async (t) => {
  const twice = `${manifest('x', { cidr: '10.2.0.0/16' })}---\n${manifest('x', { cidr: '10.3.0.0/16' })}`
  const { sink, write, remove } = await watched(t, { 'b.yaml': twice })
  t.equal(field(sink, 'IPPool/x', 'cidr'), '10.2.0.0/16')
  t.match(sink.problems.get('b.yaml#2')?.[0]?.message, /IPPool\/x .*b\.yaml#1/)
  await write('a.yaml', manifest('x', { cidr: '10.1.0.0/16' }))
  await sink.until('a.yaml wins', () => field(sink, 'IPPool/x', 'cidr') === '10.1.0.0/16')
  t.same([...sink.problems.keys()].sort(), ['b.yaml#1', 'b.yaml#2'])
  t.match(sink.problems.get('b.yaml#1')?.[0]?.message, /a\.yaml#1/)
  await remove('a.yaml')
  await sink.until('b.yaml again', () => field(sink, 'IPPool/x', 'cidr') === '10.2.0.0/16')
  t.notOk(sink.log.includes('delete IPPool/x'))
})

t.test('a file that cannot be read keeps what it said, and is reported', async (t) => {
  const { sink, path } = await watched(t, { 'a.yaml': manifest('a') })
  await symlink('a.yaml', join(path, '.loop')) // a link to itself cannot be read, not even by root
  await rename(join(path, '.loop'), join(path, 'a.yaml'))
  await sink.until('the problem', () => sink.problems.has('a.yaml'))
  t.same(ids(sink), ['IPPool/a'])
})

t.test('a mounted ConfigMap that is swapped is read again', async (t) => {
  const { sink, path } = await watched(t, {})
  for (const [version, cidr] of Object.entries({ '..1': '10.1.0.0/16', '..2': '10.2.0.0/16' })) {
    await mkdir(join(path, version))
    await writeFile(join(path, version, 'a.yaml'), manifest('a', { cidr }))
    await symlink(version, join(path, '..data_tmp'))
    await rename(join(path, '..data_tmp'), join(path, '..data'))
    if (version === '..1') await symlink('..data/a.yaml', join(path, 'a.yaml'))
    await sink.until(cidr, () => field(sink, 'IPPool/a', 'cidr') === cidr)
  }
})

t.test(
  'what stood in a removed file stays for a minute, and is reported; a renamed one is there',
  async (t) => {
    const { path } = await start(t)
    for (const name of ['a', 'b', 'c']) await writeFile(join(path, `${name}.yaml`), manifest(name))
    let now = 1e12
    const store = fileDatastore(path, { now: () => now })
    t.teardown(() => store.close())
    const sink = recordingSink()
    store.watch(sink)
    await sink.until('in sync', () => sink.log.includes('in sync'))
    await rename(join(path, 'a.yaml'), join(path, 'z.yaml'))
    await rm(join(path, 'b.yaml'))
    await rm(join(path, 'c.yaml'))
    await sink.until('the problem', () => sink.problems.has('b.yaml') && sink.problems.has('c.yaml'))
    t.match(sink.problems.get('b.yaml')?.[0]?.message, /is gone.*IPPool\/b stays in force for a minute/)
    t.same(ids(sink), ['IPPool/a', 'IPPool/b', 'IPPool/c'])

    await writeFile(join(path, 'b.yaml'), manifest('b', { cidr: '10.1.0.0/16' }))
    await writeFile(join(path, 'c.yaml'), '# nothing\n')
    await sink.until('b is back', () => field(sink, 'IPPool/b', 'cidr') === '10.1.0.0/16')
    await sink.until('c is deleted', () => !sink.documents.has('IPPool/c'))
    t.equal(sink.problems.size, 0)

    await rm(join(path, 'z.yaml'))
    await sink.until('the problem', () => sink.problems.has('z.yaml'))
    now += 59_999
    await store.list('IPPool')
    t.ok(sink.documents.has('IPPool/a'))
    now += 1
    await store.list('IPPool')
    t.same([ids(sink), sink.problems.size], [['IPPool/b'], 0])
    t.same(
      sink.log.filter((line) => line.startsWith('delete')),
      ['delete IPPool/c', 'delete IPPool/a'],
    )
  },
)

t.test('what stood in a removed file can be changed and deleted', async (t) => {
  const { store, sink, remove, read } = await watched(t, {
    'pools.yaml': `${manifest('a')}---\n${manifest('b')}`,
  })
  await remove('pools.yaml')
  await sink.until('the problem', () => sink.problems.has('pools.yaml'))
  await store.delete('IPPool', 'a')
  t.same(
    (await store.list('IPPool')).map(({ metadata }) => metadata.name),
    ['b'],
  )
  t.match(await read('pools.yaml'), 'name: b')
  t.equal(sink.problems.size, 0)
})

t.test('a file that was just emptied may be one that is being written', async (t) => {
  const { sink, write } = await watched(t, { 'a.yaml': manifest('a') })
  await write('a.yaml', '')
  await write('b.yaml', manifest('b'))
  await sink.until('b', () => sink.documents.has('IPPool/b'))
  t.ok(sink.documents.has('IPPool/a'), 'the emptied file is not believed yet')
  await write('a.yaml', manifest('a', { cidr: '10.1.0.0/16' }))
  await sink.until('the rest came', () => field(sink, 'IPPool/a', 'cidr') === '10.1.0.0/16')
  t.notOk(sink.log.includes('delete IPPool/a'))
  await write('a.yaml', '')
  await sink.until('one that stays empty is believed', () => !sink.documents.has('IPPool/a'))
})

t.test('a directory that is away, or comes back empty or with less in it, deletes nothing', async (t) => {
  const { sink, path, write } = await watched(t, { 'a.yaml': manifest('a'), 'b.yaml': manifest('b') })
  await rm(path, { recursive: true })
  await sink.until('waiting', () => sink.log.includes('not in sync'))
  await mkdir(path)
  await sink.until('empty', () => /came back empty/.test(sink.problems.get('datastore')?.[0]?.message ?? ''))
  t.same(ids(sink), ['IPPool/a', 'IPPool/b'])
  await write('b.yaml', manifest('b'))
  await sink.until('in sync again', () => sink.log.filter((line) => line === 'in sync').length === 2)
  t.match([...sink.problems.keys()], ['a.yaml'])
  t.same(ids(sink), ['IPPool/a', 'IPPool/b'])
})

t.test('a directory may appear later', async (t) => {
  const { path, open } = await start(t)
  await rm(path, { recursive: true })
  const sink = recordingSink()
  open().watch(sink)
  await sink.until('waiting', () => sink.problems.has('datastore'))
  t.match(sink.problems.get('datastore')?.[0]?.message, `waiting for the directory: ${path} does not exist`)
  await mkdir(path)
  await sink.until('in sync', () => sink.log.includes('in sync'))
  t.equal(sink.problems.size, 0)
})

t.test('a file that never could be read holds back in-sync, and nothing else', async (t) => {
  const { path, open } = await start(t)
  await writeFile(join(path, 'a.yaml'), manifest('a'))
  await writeFile(join(path, 'broken.yaml'), 'kind: [IPPool')
  const sink = recordingSink()
  open().watch(sink)
  await sink.until('the rest and the problem', () => sink.documents.size === 1 && sink.problems.size === 1)
  await writeFile(join(path, 'b.yaml'), manifest('b'))
  await sink.until('changes are delivered', () => sink.documents.has('IPPool/b'))
  t.notOk(sink.log.includes('in sync'), 'nobody knows what the broken file asks for')
  await writeFile(join(path, 'broken.yaml'), manifest('c'))
  await sink.until('in sync', () => sink.log.includes('in sync'))
  t.same(ids(sink), ['IPPool/a', 'IPPool/b', 'IPPool/c'])
})

t.test('writing inside a file of the user keeps the other documents and the comments', async (t) => {
  const before = `# our pools

apiVersion: projectcalico.org/v3
kind: IPPool
metadata: {name: a} # the first
spec:
  # agreed with the network team
  cidr: 10.66.0.0/16
---
# not ours
apiVersion:   projectcalico.org/v3
kind: IPPool
metadata:   {name: b}
`
  const { store, read } = await watched(t, { 'pools.yaml': before })
  const a = (await store.get('IPPool', 'a'))!
  await store.update({ ...a, spec: { cidr: '10.66.0.0/16', disabled: true } })
  const after = await read('pools.yaml')
  t.equal(after.slice(after.indexOf('---')), before.slice(before.indexOf('---')), 'byte for byte')
  for (const comment of ['# our pools', '# the first', '# agreed']) t.match(after, comment)
  t.match(after, 'cidr: 10.66.0.0/16\n  disabled: true\n')

  await store.delete('IPPool', 'a')
  t.equal(await read('pools.yaml'), before.slice(before.indexOf('---')))
  await store.delete('IPPool', 'b')
  t.match(await read('pools.yaml'), /^# deleted/)
})

t.test('writing inside a list or a JSON file keeps the form', async (t) => {
  const items = [pool('a'), pool('b')]
  const { store, read } = await watched(t, {
    'list.json': JSON.stringify({ apiVersion: 'v1', kind: 'List', items }),
  })
  const b = (await store.get('IPPool', 'b'))!
  await store.update({ ...b, spec: { cidr: '10.1.0.0/16', mark: 1772600767000000012n } })
  const text = await read('list.json')
  t.same(JSON.parse(text).items[0], pool('a'))
  t.match(text, '1772600767000000012')
  await store.delete('IPPool', 'a')
  t.same(
    (await store.list('IPPool')).map(({ metadata }) => metadata.name),
    ['b'],
  )
})

t.test('an unusable item of a list is named by its place', async (t) => {
  const items = [pool('a'), null, { ...pool('b'), metadata: {} }]
  const { sink } = await watched(t, { 'list.json': JSON.stringify({ kind: 'List', items }) })
  t.same(ids(sink), ['IPPool/a'])
  const fields = sink.problems.get('list.json#1')?.map((problem) => problem.field)
  t.same(fields, ['items[1].kind', 'items[2].metadata.name'])
})

t.test(
  'what is written in an older form is read, and becomes the present one when it is written',
  async (t) => {
    const { store, sink, read } = await watched(t, {
      'old.yaml': `apiVersion: v1
kind: ipPool
metadata: {cidr: 10.66.0.0/16} # since 2016
spec: {nat-outgoing: true}
`,
    })
    t.same(ids(sink), ['IPPool/10-66-0-0-16'])
    const old = (await store.get('IPPool', '10-66-0-0-16'))!
    const updated = await store.update({ ...old, spec: { ...(old.spec as object), disabled: true } })
    t.match(await read('old.yaml'), /^apiVersion: projectcalico\.org\/v3\nkind: IPPool\n/)
    t.match(await store.get('IPPool', '10-66-0-0-16'), {
      ...updated,
      spec: { natOutgoing: true, disabled: true },
    })
  },
)

t.test('a broken file is never written to', async (t) => {
  const { store, sink, write, read } = await watched(t, { 'a.yaml': manifest('a') })
  const a = (await store.get('IPPool', 'a'))!
  await write('a.yaml', 'kind: [half')
  await sink.until('the problem', () => sink.problems.has('a.yaml#1'))
  t.match(await refused(t, store.update(a), 'unavailable'), /a\.yaml.*mend/)
  await refused(t, store.delete('IPPool', 'a'), 'unavailable')
  t.equal(await read('a.yaml'), 'kind: [half')
})

t.test('deleting an object deletes its duplicates, too, and the files after a while', async (t) => {
  const files = { 'a.yaml': manifest('x'), 'b.yaml': manifest('x') }
  const { store, sink, path, read } = await watched(t, files, { seenMs: 50 })
  await store.delete('IPPool', 'x')
  await sink.until('gone', () => sink.documents.size === 0)
  await store.create(pool('x'))
  await until('the files are gone', () => readdirSync(path).filter(isManifestName).length === 1)
  t.match(await read('ippool.x.yaml'), 'kind: IPPool')
  t.equal(sink.problems.size, 0)
})

t.test('what a process that ended meant to remove is removed by the next that writes', async (t) => {
  const { store, path } = await watched(t, { 'a.yaml': manifest('a'), 'notes.yaml': '# mine\n' })
  await store.delete('IPPool', 'a')
  await store.close()
  const next = fileDatastore(path, { seenMs: 50 })
  t.teardown(() => next.close())
  await next.create(pool('b'))
  await until('it is gone', () => !readdirSync(path).includes('a.yaml'))
  t.ok(readdirSync(path).includes('notes.yaml'))
})

t.test('new objects get files of their own, with names that any file system takes', async (t) => {
  const { store, path } = await watched(t, {})
  const endpoint: Document = {
    ...pool('X'),
    kind: 'WorkloadEndpoint',
    metadata: { name: 'web/0', namespace: 'shop' },
  }
  for (const document of [pool('a'), pool('A'), endpoint]) await store.create(document)
  const names = (await readdir(path)).filter((name) => name.endsWith('.yaml'))
  t.match(names.sort(), [
    /^ippool\.a-[0-9a-f]{8}\.yaml$/,
    'ippool.a.yaml',
    'workloadendpoint.shop.web-0.yaml',
  ])
  t.equal((await store.list('IPPool')).length, 2)
})
