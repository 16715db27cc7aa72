// What others may ask about this agent: the commands by its socket, kubelet's probes and Prometheus over HTTP, and who
// makes a CalicoNodeStatus for this node.

import type { CalicoNodeStatus } from '../cluster/model.ts'
import type { AgentStatus } from '../edge/control/api.ts'
import { type ControlServer, serveControl } from '../edge/control/server.ts'
import type { Log } from '../edge/observe/log.ts'
import { Pages } from '../edge/observe/pages.ts'
import type { Plan } from '../plan/plan.ts'
import { answers } from './answers.ts'
import { liveness, page, unreadiness } from './health.ts'
import type { LiveSettings } from './live-settings.ts'
import { type Measured, metricsPage } from './metrics.ts'
import { nodeReport } from './node-report.ts'
import type { Peering } from './peering.ts'
import { agentStatus, type StatusParts } from './status.ts'

export interface ObserversOptions extends StatusParts {
  readonly live: LiveSettings
  readonly plan: Plan
  readonly peering: Peering
  /** Whether the plan of this moment has been handed to the kernel. */
  readonly isCarriedOut: () => boolean
  /** Events of Kubernetes since the start, by what became of them. */
  readonly events: () => Readonly<Record<string, number>>
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: Log
}

export class Observers {
  readonly #options: ObserversOptions
  readonly #startedAt: number
  readonly #health: Pages
  readonly #metrics: Pages
  #control: ControlServer | undefined

  constructor(options: ObserversOptions) {
    const { live, dataplane, now, log } = options
    this.#options = options
    this.#startedAt = now()
    this.#health = new Pages(
      {
        '/liveness': () => liveness(dataplane.kernel.roundMs, live.values.dataplaneWatchdogTimeoutMs),
        '/readiness': () => page(this.#unreadiness(this.status())),
      },
      log,
    )
    this.#metrics = new Pages({ '/metrics': metricsPage(() => this.#measured()) }, log)
  }

  /**
   * Answers the commands from now on. Rejects with SocketTakenError when another agent does, and with an error of the
   * system when the socket cannot be had.
   */
  async open(): Promise<void> {
    const { live, plan, peering, dataplane, log } = this.#options
    this.#control = await serveControl(
      live.values.socket,
      {
        '/status': () => this.status(),
        '/config': () => live.configView,
        ...answers({ plan, peering, kernel: dataplane.kernel }),
      },
      log,
    )
  }

  /** Serves the pages that the settings of this moment ask for, where they say. */
  reconfigure(): void {
    const { healthEnabled, healthHost, healthPort, metricsEnabled, metricsHost, metricsPort } =
      this.#options.live.values
    this.#health.serveAt(healthEnabled ? { host: healthHost, port: healthPort } : undefined)
    this.#metrics.serveAt(metricsEnabled ? { host: metricsHost, port: metricsPort } : undefined)
  }

  async close(): Promise<void> {
    this.#health.close()
    this.#metrics.close()
    await this.#control?.close()
  }

  status(): AgentStatus {
    return agentStatus(this.#options, this.#startedAt)
  }

  /** The status of a CalicoNodeStatus; undefined as long as there is nothing to say. */
  report(classes: CalicoNodeStatus['classes']): object | undefined {
    const { plan, feeds, peering, dataplane, now } = this.#options
    const { speaker, reconfiguredAt } = peering
    if (!feeds.intake.isReady || !speaker) return undefined
    const { routes } = dataplane.kernel
    return nodeReport(classes, {
      status: this.status(),
      reconfiguredAt,
      now: now(),
      routes: () => [...plan.routes()].filter(({ prefix }) => routes.inForce(prefix)),
      paths: () => speaker.rib.allPaths(),
    })
  }

  #measured(): Measured {
    const { feeds, peering, dataplane, events, now } = this.#options
    const status = this.status()
    return {
      status,
      kernel: dataplane.kernel.views(),
      connections: peering.attempts,
      contactsLost: feeds.intake.contactsLost,
      events: events(),
      isReady: this.#unreadiness(status).length === 0,
      now: now(),
    }
  }

  #unreadiness(status: AgentStatus): readonly string[] {
    return unreadiness(status, this.#options.isCarriedOut())
  }
}
