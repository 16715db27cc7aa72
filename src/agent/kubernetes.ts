// This node's part in Kubernetes, whichever datastore it has: the condition of its Node and Events about it, the credentials
// of its CNI plugin, services, and what start-up may ask.

import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { FeedSink } from '../cluster/feed.ts'
import type { Settings } from '../config/settings.ts'
import { apiClient, type Client } from '../edge/datastore/kubernetes/client.ts'
import { watchServiceAccount } from '../edge/datastore/kubernetes/config.ts'
import { eventWriter } from '../edge/datastore/kubernetes/events.ts'
import { watchServices } from '../edge/datastore/kubernetes/services.ts'
import { recordShutdown, replaceFile } from '../edge/host/files.ts'
import type { Log } from '../edge/observe/log.ts'
import type { TimerClock } from '../reconcile/clock.ts'
import { CniCredentials } from './cni-credentials.ts'
import { Events, type EventsOptions } from './events.ts'
import { type KubernetesAccess, kubernetesAccess } from './kubernetes-access.ts'
import { NetworkCondition, type NetworkConditionOptions } from './network-condition.ts'
import { datastoreSettings, hasKubernetes } from './settings.ts'

export interface KubernetesPart {
  /** For the datastore, too, if it is the same. */
  readonly client: Client
  readonly access: KubernetesAccess
  readonly events: Events
  /** Feeds `sink` with services, until the function that is returned is called. */
  watchServices(sink: FeedSink): () => void
  start(): void
  /** Routes, or what is known of them, may be others. */
  settle(): void
  /** Says that we are gone. */
  stop(): Promise<void>
}

interface KubernetesOptions
  extends Pick<NetworkConditionOptions, 'isBegun' | 'isWhole'>,
    Pick<EventsOptions, 'watched'> {
  readonly settings: Settings
  readonly clock: TimerClock
  readonly now: () => number
  readonly log: Log
}

/** Undefined where no Kubernetes is used. */
export function kubernetesPart(options: KubernetesOptions): KubernetesPart | undefined {
  const { settings, ...given } = options
  const { networkingBackend, nodename, k8sNodeRef, shutdownFile, cniKubeconfig } = settings
  if (!hasKubernetes(settings)) return undefined
  const client = apiClient(datastoreSettings(settings))
  const access = kubernetesAccess(client, settings)
  const condition =
    networkingBackend === 'none'
      ? undefined
      : new NetworkCondition({
          ...given,
          set: (one) => access.setCondition(k8sNodeRef ?? nodename, one),
          recordShutdown: (at) => recordShutdown(shutdownFile, at),
        })
  const credentials =
    settings.manageCni && existsSync(dirname(cniKubeconfig))
      ? new CniCredentials({
          ...given,
          access,
          account: settings.cniServiceAccount,
          refreshMs: settings.cniTokenRefreshMs,
          write: (text) => replaceFile(cniKubeconfig, text, 0o600),
        })
      : undefined
  const events = new Events({ ...given, write: eventWriter(client, k8sNodeRef ?? nodename) })
  const unwatch = watchServiceAccount(datastoreSettings(settings), () => credentials?.hurry())
  return {
    client,
    access,
    events,
    watchServices: (sink) => watchServices(client, sink),
    start: () => credentials?.start(),
    settle: () => condition?.settle(),
    async stop() {
      unwatch()
      credentials?.stop()
      events.stop()
      await condition?.stop()
      client.close()
    },
  }
}
