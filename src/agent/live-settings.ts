// The settings in force: environment, recorded name and FelixConfigurations, resolved anew when one of them changes.

import { hostname } from 'node:os'
import type { FelixConfiguration } from '../cluster/model.ts'
import type { Change, ClusterView } from '../cluster/view.ts'
import { type ResolvedSettings, resolveSettings } from '../config/resolve.ts'
import type { Environment, Settings } from '../config/settings.ts'
import type { ConfigView } from '../edge/control/api.ts'
import { recordedNodename } from '../edge/host/files.ts'
import type { Log } from '../edge/observe/log.ts'

export class LiveSettings {
  readonly #environment: Environment
  readonly #view: ClusterView
  /** Read once, so that a node keeps its name while it runs. */
  readonly #recordedNodename: string | undefined
  #resolved: ResolvedSettings

  constructor(environment: Environment, view: ClusterView) {
    this.#environment = environment
    this.#view = view
    this.#resolved = this.#resolve() // to know where the name is recorded
    this.#recordedNodename = recordedNodename(this.values.nodenameFile)
    this.#resolved = this.#resolve()
  }

  get values(): Settings {
    return this.#resolved.values
  }

  /** With where each comes from. */
  get resolved(): ResolvedSettings {
    return this.#resolved
  }

  get configView(): ConfigView {
    const { sources, problems, unknown, unused } = this.#resolved
    return { settings: sources, problems, unknown, unused }
  }

  get warnings(): string[] {
    const { problems, unknown } = this.#resolved
    return [
      ...problems.map(({ subject, message }) => `${subject}: ${message}`),
      ...unknown.map((name) => `${name} is no setting of this agent`),
    ]
  }

  /** Something in the cluster is different. True when a setting is, too. */
  changed({ before, after }: Change): boolean {
    if (![before, after].some((resource) => resource && this.#concerns(resource))) return false
    const resolved = this.#resolve()
    const isNews = JSON.stringify(resolved) !== JSON.stringify(this.#resolved)
    this.#resolved = resolved
    return isNews
  }

  log(log: Log): void {
    const { problems, unknown } = this.#resolved
    for (const problem of problems) log.warn(problem, 'setting')
    if (unknown.length > 0) log.warn({ unknown }, 'variables that are no settings')
  }

  /** Configurations, and the labels that select them. */
  #concerns({ kind, name }: NonNullable<Change['after']>): boolean {
    return kind === 'FelixConfiguration' || (kind === 'Node' && name === this.values.nodename)
  }

  #resolve(): ResolvedSettings {
    return resolveSettings({
      environment: this.#environment,
      hostname: hostname(),
      recordedNodename: this.#recordedNodename,
      felixConfigurations: [...this.#view.all('FelixConfiguration')].filter((c) => this.#applies(c)),
    })
  }

  #applies({ name, nodeSelector }: FelixConfiguration): boolean {
    if (name === 'default' || name.startsWith('node.')) return true
    const node = this.#view.get('Node', this.values.nodename)
    return nodeSelector !== undefined && node !== undefined && nodeSelector.matches(node.labels)
  }
}
