import { mkdirSync, mkdtempSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { mtuFile } from '../../src/agent/mtu-file.ts'
import { until } from '../kit/until.ts'

const directory = mkdtempSync(join(tmpdir(), 'caracal-mtu-'))
t.teardown(() => rmSync(directory, { recursive: true }))

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

t.test('the last value is what stands there, digits alone', async (t) => {
  const path = join(directory, 'mtu')
  const record = mtuFile(path, { warn: () => t.fail('warned') })
  for (const mtu of [1500, 1480, 1450]) record(mtu)
  await until('1450', () => read(path) === '1450')
  writeFileSync(path, 'kept')
  record(1450)
  record(1480)
  await until('1480', () => read(path) === '1480')
})

t.test('what cannot be written is said, and tried again when next it is called', async (t) => {
  const path = join(directory, 'blocked')
  mkdirSync(path)
  const warned: object[] = []
  const record = mtuFile(path, { warn: (fields: object) => void warned.push(fields) })
  record(1500)
  await until('a warning', () => warned.length === 1)
  t.match(warned, [{ path, reason: /EISDIR|directory/ }])
  rmdirSync(path)
  record(1500)
  await until('1500', () => read(path) === '1500')
})
