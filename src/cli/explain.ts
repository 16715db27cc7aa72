// `agent explain DESTINATION`: which route packets take, who asked for it, and what others would have had.

import type { ExplainView, PrefixView } from '../edge/control/api.ts'
import type { Question } from './command.ts'
import { printable } from './text.ts'

export const explain: Question<'/explain'> = {
  path: '/explain',
  text: explainText,
  good: ({ prefixes }) => deciding(prefixes)?.kernel === 'in force',
}

/** The longest prefix that has a route is the one that counts. */
export function explainText({ destination, prefixes }: ExplainView): string {
  const route = deciding(prefixes)
  const verdict = route
    ? `${destination}: ${route.route}\n`
    : `${destination}: no route of this agent leads there; the other routes of the kernel decide.\n`
  return [verdict, ...prefixes.map(prefixText)].join('\n')
}

function deciding(prefixes: readonly PrefixView[]): PrefixView | undefined {
  return prefixes.find(({ route }) => route !== undefined)
}

function prefixText({ prefix, route, kernel, sources }: PrefixView): string {
  const state = route === undefined ? 'no route' : stateText(kernel)
  const lines = sources.map(({ source, says }) => `  ${source}: ${says}`)
  return [`${prefix}: ${state}`, ...lines].map((line) => `${printable(line)}\n`).join('')
}

function stateText(kernel: PrefixView['kernel']): string {
  if (kernel === undefined || kernel === 'not there yet') return 'on its way to the kernel'
  return kernel === 'in force' ? 'in force' : `refused by the kernel: ${kernel.refused}`
}
