// The lock between processes, with real processes.

import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'
import { withLock } from '../../../../src/edge/datastore/file/lock.ts'

const directory = await mkdtemp(join(tmpdir(), 'caracal-lock-'))
t.teardown(() => rm(directory, { recursive: true, force: true }))

/** Another process that takes the lock and keeps it. */
async function holder() {
  const lock = new URL('../../../../src/edge/datastore/file/lock.ts', import.meta.url)
  const program = `
    import { withLock } from ${JSON.stringify(lock)}
    setInterval(() => {}, 1000)
    await withLock(${JSON.stringify(directory)}, () => new Promise(() => console.log('held')))`
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program])
  t.teardown(() => void child.kill('SIGKILL'))
  await new Promise((resolve) => createInterface({ input: child.stdout }).once('line', resolve))
  return child
}

t.test('one at a time within a process', async (t) => {
  const log: string[] = []
  const work = (name: string) => async () => {
    log.push(`${name} begins`)
    await new Promise((resolve) => setImmediate(resolve))
    log.push(`${name} ends`)
  }
  await Promise.all(['a', 'b', 'c'].map((name) => withLock(directory, work(name))))
  const names = log.map((line) => line[0])
  t.ok(
    names.every((name, index) => index % 2 === 0 || name === names[index - 1]),
    log.join(', '),
  )
})

t.test('while another process holds it we wait, and its death sets it free', async (t) => {
  const child = await holder()
  let entered = false
  const entering = withLock(directory, async () => {
    entered = true
  })
  await new Promise((resolve) => setImmediate(resolve))
  t.notOk(entered)
  child.kill('SIGKILL')
  await entering
  t.ok(entered)
})

t.test('an error inside gives it back', async (t) => {
  const failing = async () => {
    throw new Error('inside')
  }
  await t.rejects(withLock(directory, failing), { message: 'inside' })
  t.equal(await withLock(directory, async () => 1), 1)
})

t.test('a directory that is away is a StoreError', async (t) => {
  const away = withLock(join(directory, 'away'), async () => 1)
  await t.rejects(away, { message: /cannot open the lock/ })
})
