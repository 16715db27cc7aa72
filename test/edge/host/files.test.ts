import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { recordedNodename, recordNodename } from '../../../src/edge/host/files.ts'

const directory = mkdtempSync(join(tmpdir(), 'caracal-host-'))
t.teardown(() => rmSync(directory, { recursive: true }))

t.test('the name is written as the CNI plugin reads it, and read back', async (t) => {
  const path = join(directory, 'new', 'nodename')
  t.equal(recordedNodename(path), undefined)
  await recordNodename(path, 'node-a')
  t.equal(readFileSync(path, 'utf8'), 'node-a')
  t.equal(statSync(path).mode & 0o777, 0o644)
  t.same(readdirSync(join(directory, 'new')), ['nodename'], 'no draft is left')
  t.equal(recordedNodename(path), 'node-a')
})

t.test('its age is that of the last start', async (t) => {
  const path = join(directory, 'nodename')
  writeFileSync(path, 'node-a\n')
  utimesSync(path, 0, 0)
  t.equal(recordedNodename(path), 'node-a')
  await recordNodename(path, 'node-a')
  t.not(statSync(path).mtimeMs, 0)
})

t.test('an empty file names nobody; a directory in its place is told', async (t) => {
  writeFileSync(join(directory, 'empty'), ' \n')
  t.equal(recordedNodename(join(directory, 'empty')), undefined)
  await t.rejects(recordNodename(directory, 'node-a'))
  await t.rejects(recordNodename(join(directory, 'empty', 'nodename'), 'node-a'))
})
