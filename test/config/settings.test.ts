import { readFileSync } from 'node:fs'
import t from 'tap'
import { settingsPage } from '../../scripts/settings-docs.ts'
import { felixParameters } from '../../src/config/felix-parameters.ts'
import { type Setting, settings } from '../../src/config/settings.ts'

const rows = Object.entries<Setting<unknown>>(settings)

t.test('docs/settings.md is what the table says', async (t) => {
  const page = readFileSync(new URL('../../docs/settings.md', import.meta.url), 'utf8')
  t.equal(page, settingsPage(), 'run: node scripts/settings-docs.ts')
})

t.test('every FELIX_ variable is one of Felix, and no variable has two rows', async (t) => {
  const names = rows.flatMap(([, setting]) => setting.environment)
  t.same(
    names.filter((name) => name.startsWith('FELIX_') && !felixParameters.has(name.slice(6))),
    [],
  )
  t.equal(new Set(names).size, names.length)
})

t.test('what only the environment can say is not called live', async (t) => {
  for (const [key, { felix, live }] of rows) t.equal(live, felix !== undefined, key)
})

t.test('every default that is text passes its own check', async (t) => {
  const texts = rows.filter(([key, setting]) => typeof setting.default === 'string' && key !== 'nodename')
  for (const [key, { type, default: value }] of texts) t.equal(type.parse(String(value)), value, key)
})
