// Writes docs/settings.md from the table of settings: `node scripts/settings-docs.ts`.

import { writeFileSync } from 'node:fs'
import { type Setting, settings } from '../src/config/settings.ts'

const intro = `# Settings

<!-- Written by scripts/settings-docs.ts from src/config/settings.ts. Do not edit. -->

Names, forms and defaults are those of Calico. A setting comes from the first of these that has a right value for it:

1. the environment of the agent, the names in the order given;
2. FelixConfiguration \`node.<name of the node>\`;
3. the FelixConfiguration whose \`spec.nodeSelector\` selects the node, the oldest if there are several;
4. FelixConfiguration \`default\`;
5. the default.

A wrong value is reported by \`agent status\` and \`agent config\`, with the name of the variable or resource and what would be
right, and the next source is used; but with a wrong NODENAME, or none to tell where the datastore is, the agent does not run at all
([exit codes](exit-codes.md)). \`none\` stands for the zero value where the table says so. An empty variable counts as unset.
Names that begin with \`FELIX_\` are read in any case. *Live* settings are taken while the agent runs.

`

const header = ['Environment', 'FelixConfiguration', 'Value', 'Default', 'Live', 'Meaning']

/** The whole page. */
export function settingsPage(): string {
  const rows = [header, header.map(() => '---'), ...Object.values<Setting<unknown>>(settings).map(cells)]
  return intro + rows.map((row) => `| ${row.join(' | ')} |\n`).join('')
}

function cells(setting: Setting<unknown>): string[] {
  return [
    setting.environment.map(code).join(', '),
    setting.felix ? code(setting.felix) : '',
    value(setting),
    setting.defaultText ?? shownDefault(setting),
    setting.live ? 'yes' : 'no',
    setting.meaning,
  ]
}

function value({ type }: Setting<unknown>): string {
  const inResource = type.expectedField ? `; in the resource ${type.expectedField}` : ''
  return `${type.expected}${inResource}${'none' in type ? '; `none`' : ''}`
}

function shownDefault({ type, default: given }: Setting<unknown>): string {
  const shown = given === undefined ? '' : String(type.show?.(given) ?? given)
  return shown && code(shown)
}

function code(text: string): string {
  return `\`${text}\``
}

if (import.meta.main) writeFileSync(new URL('../docs/settings.md', import.meta.url), settingsPage())
