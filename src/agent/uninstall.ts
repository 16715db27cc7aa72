// `agent uninstall`: removes from this node what the agent has made, once it has stopped.

import { existsSync, rmSync } from 'node:fs'
import { ClusterView } from '../cluster/view.ts'
import type { Environment } from '../config/settings.ts'
import { AgentUnreachableError, ask } from '../edge/control/client.ts'
import { findLeavings, hasCalicoNat, type Leaving } from '../edge/kernel/leavings.ts'
import { openSavedState } from '../edge/kernel/saved-state.ts'
import { LiveSettings } from './live-settings.ts'
import { kernelSettings, STATE_FILES, stateFile } from './settings.ts'

export interface UninstallOptions {
  /** Says what would be done, and does nothing. */
  readonly dryRun: boolean
  /** Leaves routes and devices to calico-node, which takes them over. */
  readonly keepRoutes: boolean
}

/** `unable`: nothing was done, and why. */
export type Uninstalled = { readonly unable: string } | { readonly items: readonly Item[] }

export type Item = Omit<Leaving, 'kind'> & { readonly kind: Leaving['kind'] | 'file' }

/** Rejects when the kernel cannot be read. */
export async function uninstall(
  environment: Environment,
  { dryRun, keepRoutes }: UninstallOptions,
  namespace?: string,
): Promise<Uninstalled> {
  const settings = new LiveSettings(environment, new ClusterView()).values
  const kernel = kernelSettings(() => settings)
  if (await isRunning(settings.socket))
    return { unable: `the agent runs (${settings.socket}): stop it first` }
  if (!keepRoutes && (await hasCalicoNat(kernel, namespace)))
    return {
      unable:
        'calico-node keeps this node again: its chains are in the nat table. --keep-routes removes what it does not need',
    }
  const files = STATE_FILES.map((name) => stateFile(settings, name))
  const existed = files.filter((path) => existsSync(path))
  const saved = openSavedState(stateFile(settings, 'caracal-routes'))
  const leavings = await findLeavings({
    ownership: { settings: kernel, owns: saved.owns },
    settings: kernel,
    keepRoutes,
    ...(namespace !== undefined && { namespace }),
  })
  const items = dryRun ? leavings.found : await leavings.remove()
  // Last of all, and only when nothing is left: it tells which routes are ours.
  const isClean = items.every(({ refused }) => refused === undefined)
  const toRemove = isClean && !dryRun ? files : files.filter((path) => !existed.includes(path)) // made by reading them
  for (const path of toRemove) rmSync(path, { force: true })
  return { items: [...items, ...(isClean ? existed.map((what): Item => ({ kind: 'file', what })) : [])] }
}

async function isRunning(socket: string): Promise<boolean> {
  try {
    await ask(socket, '/status', {})
    return true
  } catch (error) {
    return !(error instanceof AgentUnreachableError)
  }
}
