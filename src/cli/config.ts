// `agent config`: every setting of the running agent, its value, and where that came from.

import type { SettingView } from '../config/resolve.ts'
import type { ConfigView } from '../edge/control/api.ts'
import type { Question } from './command.ts'
import { type Column, plain } from './table.ts'
import { listed, problemLine } from './text.ts'

export const config: Question<'/config'> = {
  path: '/config',
  text: configText,
  good: ({ problems }) => problems.length === 0,
}

const columns: readonly Column<SettingView>[] = [
  ['SETTING', ({ name }) => name],
  ['VALUE', ({ value }) => shown(value)],
  ['SOURCE', ({ source }) => source],
]

/** The table, then what is wrong, then what had no effect. */
export function configText({ settings, problems, unknown, unused }: ConfigView): string {
  return [
    plain(columns, settings),
    listed('Wrong, and passed over:', problems.map(problemLine)),
    listed('Not settings of this agent; misspelt?', unknown),
    listed('Settings of Felix without effect here:', unused),
  ]
    .filter((part) => part !== '')
    .join('\n')
}

function shown(value: SettingView['value']): string {
  return value === null ? '-' : String(value) || '-'
}
