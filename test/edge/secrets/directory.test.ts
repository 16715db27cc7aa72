import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { type SecretDirectory, secretDirectory } from '../../../src/edge/secrets/directory.ts'
import type { SecretState } from '../../../src/plan/passwords.ts'
import { until } from '../../kit/until.ts'

const ref = { name: 'bgp', key: 'tor' }

interface Cast {
  readonly path: string
  readonly file: string
  readonly secrets: SecretDirectory
  /** The last that was said of the key. */
  last(): SecretState | undefined
  value(): string | undefined
}

function cast(t: Test, before: (directory: string) => void = () => {}): Cast {
  const path = mkdtempSync(join(tmpdir(), 'caracal-secrets-'))
  before(path)
  const said: SecretState[] = []
  const secrets = secretDirectory(path, (_, state) => said.push(state), 10)
  t.teardown(() => {
    secrets.close()
    rmSync(path, { recursive: true })
  })
  secrets.follow([ref])
  return {
    path,
    file: join(path, 'bgp', 'tor'),
    secrets,
    last: () => said.at(-1),
    value: () => {
      const value = secrets.value(ref)
      return value && Buffer.from(value).toString('latin1')
    },
  }
}

const holds = (text: string | Buffer) => (directory: string) => {
  mkdirSync(join(directory, 'bgp'), { recursive: true })
  writeFileSync(join(directory, 'bgp', 'tor'), text)
}

t.test('a value is what the file holds, to the octet', async (t) => {
  const { value, last } = cast(t, holds(Buffer.from(' a\0\xff ', 'latin1')))
  t.equal(value(), ' a\0\xff ')
  t.same(last(), { version: 1 })
})

t.test('a newline at the end belongs to it, and is warned of', async (t) => {
  const { value, last } = cast(t, holds('secret\n'))
  t.equal(value(), 'secret\n')
  t.match(last(), {
    version: 1,
    warning: /bgp\/tor ends with a newline, which is used as part of the password/,
  })
})

t.test('80 octets are enough, and more are an error', async (t) => {
  t.equal(cast(t, holds('x'.repeat(80))).value()?.length, 80)
  const { value, last } = cast(t, holds('x'.repeat(81)))
  t.equal(value(), undefined)
  t.match(last(), { problem: /bgp\/tor is longer than the 80 octets of TCP-MD5/ })
})

t.test('an empty file, a directory and a name that leads elsewhere are no passwords', async (t) => {
  t.match(cast(t, holds('')).last(), { problem: /is empty; put the password there/ })
  t.match(cast(t, (of) => mkdirSync(join(of, 'bgp', 'tor'), { recursive: true })).last(), {
    problem: /EISDIR/,
  })
  for (const name of ['..', '../etc', 'a/b', '']) {
    const { secrets, last } = cast(t, holds('x'))
    secrets.follow([{ name, key: 'shadow' }])
    t.match(last(), { problem: /is no name/ }, name)
    t.equal(secrets.value({ name, key: 'shadow' }), undefined)
  }
})

t.test('a file that is not there yet is found when it comes, and every change of it', async (t) => {
  const { path, last, value } = cast(t)
  t.match(last(), { problem: /bgp\/tor does not exist; put the password there/ })
  holds('first')(path)
  await until('it came', () => value() === 'first')
  t.same(last(), { version: 1 })
  holds('other')(path)
  await until('it changed', () => value() === 'other')
  t.same(last(), { version: 2 })
})

t.test('all files of a mounted Secret change at once, when a link in the path moves', async (t) => {
  const { value } = cast(t, (directory) => {
    mount(directory, '1', 'first')
    symlinkSync(join('..data', 'tor'), join(directory, 'bgp', 'tor'))
  })
  t.equal(value(), 'first')
  const { path, value: second } = cast(t, (directory) => {
    mount(directory, '1', 'first')
    symlinkSync(join('..data', 'tor'), join(directory, 'bgp', 'tor'))
  })
  mount(path, '2', 'other')
  await until('it changed', () => second() === 'other')
  t.pass()
})

/** As the kubelet does: a new directory, then the link to it. */
function mount(directory: string, at: string, text: string): void {
  const secret = join(directory, 'bgp')
  mkdirSync(join(secret, at), { recursive: true })
  writeFileSync(join(secret, at, 'tor'), text)
  symlinkSync(at, join(secret, '..data_tmp'))
  renameSync(join(secret, '..data_tmp'), join(secret, '..data'))
}

t.test('a value that goes away stays in force, and that is said', async (t) => {
  const { path, file, last, value } = cast(t, holds('secret'))
  rmSync(file)
  await until('it is missed', () => 'warning' in last()!)
  t.match(last(), { version: 1, warning: /does not exist; .*the last value stays in force/ })
  t.equal(value(), 'secret')
  holds('secret')(path)
  await until('it is back', () => !('warning' in last()!))
  t.same(last(), { version: 1 }, 'no session notices')
})

t.test('what nobody refers to any more is forgotten', async (t) => {
  const { secrets, value } = cast(t, holds('secret'))
  secrets.follow([])
  t.equal(value(), undefined)
})

t.test('nothing that is said of a value holds it', async (t) => {
  for (const text of ['s3cret', 's3cret\n', 's3cret'.repeat(20)]) {
    const { last } = cast(t, holds(text))
    t.notMatch(JSON.stringify(last()), /s3cret/)
  }
})
