// What the agent follows: the datastore, and beside it the services of Kubernetes. Both come by way of what they last said,
// for an agent that returns while they are away.

import type { Datastore } from '../cluster/feed.ts'
import type { Settings } from '../config/settings.ts'
import { bootId, keptFile } from '../edge/host/files.ts'
import { Intake, type IntakeOptions } from './intake.ts'
import type { KubernetesPart } from './kubernetes.ts'
import { Recollection, type RecollectionOptions, remembering } from './recollection.ts'
import { Services } from './services.ts'
import { datastorePlace, datastoreSettings, stateFile } from './settings.ts'

export interface FeedsOptions extends IntakeOptions {
  readonly settings: Settings
  readonly datastore: Pick<Datastore, 'watch' | 'close'>
  /** Absent: there is no Kubernetes API that we know of. */
  readonly watchServices: KubernetesPart['watchServices'] | undefined
  readonly log: IntakeOptions['log'] & RecollectionOptions['log']
}

export interface Feeds {
  readonly intake: Intake
  readonly services: Services
  start(): void
  /** Closes the datastore. Resolves when all there is to remember is kept. */
  stop(): Promise<void>
}

export function openFeeds({ settings, datastore, watchServices, ...options }: FeedsOptions): Feeds {
  const { clock, now, log, onInput } = options
  const stamp = {
    node: settings.nodename,
    datastore: datastorePlace(datastoreSettings(settings)),
    boot: bootId(),
  }
  const memory = (subject: string, name: Parameters<typeof stateFile>[1]) => ({
    subject,
    file: keptFile(stateFile(settings, name)),
    stamp,
    clock,
    now,
    log,
  })
  const intake = new Intake(options)
  const recollection = new Recollection({ sink: intake, ...memory('datastore', 'caracal-cluster') })
  const services = new Services({
    watch: watchServices && remembering(watchServices, memory('services', 'caracal-services')),
    sink: intake.beside,
    clock,
    onSettled: onInput,
  })
  return {
    intake,
    services,
    start() {
      recollection.start()
      datastore.watch(recollection)
    },
    async stop() {
      intake.stop()
      await datastore.close() // what it says until then is remembered
      await Promise.all([services.stop(), recollection.stop()])
    },
  }
}
