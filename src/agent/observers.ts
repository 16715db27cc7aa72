// What others may ask about this agent over HTTP: kubelet's probes and Prometheus.

import type { Settings } from '../config/settings.ts'
import type { AgentStatus } from '../edge/control/api.ts'
import type { Log } from '../edge/observe/log.ts'
import { Pages } from '../edge/observe/pages.ts'
import type { ReconcilerView } from '../reconcile/reconciler.ts'
import { liveness, page, unreadiness } from './health.ts'
import { metricsPage } from './metrics.ts'

export interface ObserversOptions {
  readonly settings: () => Settings
  readonly status: () => AgentStatus
  /** Whether the plan of this moment has been handed to the kernel. */
  readonly isCarriedOut: () => boolean
  readonly kernel: { readonly roundMs: number; views(): readonly ReconcilerView[] }
  readonly connections: () => Readonly<Record<string, number>>
  readonly contactsLost: () => number
  readonly events: () => Readonly<Record<string, number>>
  readonly now: () => number
  readonly log: Log
}

export class Observers {
  readonly #options: ObserversOptions
  readonly #health: Pages
  readonly #metrics: Pages

  constructor(options: ObserversOptions) {
    const { settings, kernel, log } = options
    this.#options = options
    this.#health = new Pages(
      {
        '/liveness': () => liveness(kernel.roundMs, settings().dataplaneWatchdogTimeoutMs),
        '/readiness': () => page(this.#unreadiness(options.status())),
      },
      log,
    )
    this.#metrics = new Pages(
      {
        '/metrics': metricsPage(() => {
          const status = options.status()
          return {
            status,
            kernel: kernel.views(),
            connections: options.connections(),
            contactsLost: options.contactsLost(),
            events: options.events(),
            isReady: this.#unreadiness(status).length === 0,
            now: options.now(),
          }
        }),
      },
      log,
    )
  }

  /** Serves what is asked for by the settings of this moment, where they say. */
  reconfigure(): void {
    const { healthEnabled, healthHost, healthPort, metricsEnabled, metricsHost, metricsPort } =
      this.#options.settings()
    this.#health.serveAt(healthEnabled ? { host: healthHost, port: healthPort } : undefined)
    this.#metrics.serveAt(metricsEnabled ? { host: metricsHost, port: metricsPort } : undefined)
  }

  close(): void {
    this.#health.close()
    this.#metrics.close()
  }

  #unreadiness(status: AgentStatus): readonly string[] {
    return unreadiness(status, this.#options.isCarriedOut())
  }
}
