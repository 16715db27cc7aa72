// `agent uninstall`: what it has done, or would do.

import type { Item, Uninstalled } from '../agent/uninstall.ts'
import { count, printable } from './text.ts'

export function uninstallText(outcome: Uninstalled, dryRun: boolean): string {
  if ('unable' in outcome) return `Nothing is removed: ${outcome.unable}.\n`
  const { items } = outcome
  const done = items.filter(({ refused }) => refused === undefined)
  const verb = dryRun ? 'would be removed' : 'removed'
  const lines = items.map((item) => printable(line(item, dryRun)))
  const sum = `${count(done.length, 'thing')} ${verb}${done.length < items.length ? `, ${items.length - done.length} refused` : ''}.`
  return `${[...lines, items.length === 0 ? 'There is nothing of ours on this node.' : sum].join('\n')}\n`
}

/** True when all is done that was to be done. */
export function isUninstalled(outcome: Uninstalled): boolean {
  return 'items' in outcome && outcome.items.every(({ refused }) => refused === undefined)
}

function line({ kind, what, refused }: Item, dryRun: boolean): string {
  if (refused !== undefined) return `not removed  ${kind} ${what}: ${refused}`
  return `${dryRun ? 'would remove' : 'removed'}  ${kind} ${what}`
}
