// One run of node start-up: what is stored is read, what is lacking is worked out, and only then anything is written.
// Calico node/pkg/lifecycle/startup; the parts are those of src/startup.

import { type Datastore, type Document, documentId } from '../cluster/feed.ts'
import { untilUndisturbed } from '../cluster/races.ts'
import type { Settings } from '../config/settings.ts'
import type { HostAccess } from '../edge/host/index.ts'
import type { Log } from '../edge/observe/log.ts'
import { conflictError, conflictsOf, released } from '../startup/conflict.ts'
import { clusterInformation, configurations } from '../startup/defaults.ts'
import { StartupError } from '../startup/error.ts'
import type { Host } from '../startup/host.ts'
import { type NodeAnswer, type NodeWish, nodeDocument } from '../startup/node-document.ts'
import { defaultPools } from '../startup/pools.ts'
import type { KubernetesAccess } from './kubernetes-access.ts'

export interface RegistrationOptions {
  readonly datastore: Pick<Datastore, 'get' | 'list' | 'create' | 'update'>
  /** May change between two runs. */
  readonly settings: () => { readonly values: Settings }
  readonly host: Pick<HostAccess, 'randomBytes' | 'recordNodename'>
  /** Kubernetes beside the datastore; undefined where none is used. */
  readonly kubernetes?: Pick<KubernetesAccess, 'labelAffinities'> | undefined
  /** Whether the datastore is still in sync and ready. Nothing more is written when it is not. */
  mayWrite(): boolean
  readonly log: Pick<Log, 'info'>
}

/** What came of a run: done, with what there is to warn of; not begun; or broken off, since nothing may be written. */
export type Outcome =
  | { readonly warnings: readonly string[] }
  | { readonly waitsFor: string }
  | { readonly brokenOff: true }

/** Attempts in a row while others write: there are six resources to lose a race for. */
const RACES = 10

export class Registration {
  readonly #options: RegistrationOptions

  constructor(options: RegistrationOptions) {
    this.#options = options
  }

  /**
   * `isFirst`: all of it; later the addresses alone. Whoever else writes is answered by reading anew: what is there by then
   * need not be written.
   * @throws StartupError when the node cannot be as its settings say, StoreError when the datastore is in trouble
   */
  run(host: Host, isFirst: boolean): Promise<Outcome> {
    return untilUndisturbed(() => this.#once(host, isFirst), RACES)
  }

  async #once(host: Host, isFirst: boolean): Promise<Outcome> {
    const { datastore, kubernetes, host: access, mayWrite } = this.#options
    const { nodename, nodenameFile, datastoreType, disableNodeIpCheck } = this.#settings
    const information = await datastore.get('ClusterInformation', 'default')
    if (isFrozen(information)) return { waitsFor: 'ClusterInformation/default says datastoreReady: false' }
    const stored = await datastore.get('Node', nodename)
    if (!stored && datastoreType === 'kubernetes') throw unregistered(nodename)
    const wish = this.#wish(isFirst)
    const node = nodeDocument(wish, stored, host)
    const others = isFirst ? await this.#missing(information, host) : []
    if (node.isMoved && !disableNodeIpCheck) await this.#refuseConflict(node, stored, wish, host)
    await this.#write([...(node.isChanged ? [node.document] : []), ...others])
    if (!mayWrite()) return { brokenOff: true }
    if (isFirst) await kubernetes?.labelAffinities()
    if (isFirst) await access.recordNodename(nodenameFile, nodename)
    return { warnings: node.warnings }
  }

  /** AS number and reference are set once, so that an edit of the resource holds as long as the process. */
  #wish(isFirst: boolean): NodeWish {
    const { nodename, networkingBackend, ip, ip6, ipMethod, ip6Method, asn, k8sNodeRef } = this.#settings
    const isRouting = networkingBackend !== 'none'
    return {
      name: nodename,
      addresses: isRouting
        ? { ipv4: { given: ip, method: ipMethod }, ipv6: { given: ip6, method: ip6Method } }
        : undefined,
      asn: isRouting && isFirst ? asn : undefined,
      k8sNodeRef: isFirst ? k8sNodeRef : undefined,
    }
  }

  /** What the cluster lacks: the pools, its ClusterInformation, and in etcd the configurations. */
  async #missing(information: Document | undefined, host: Host): Promise<readonly Document[]> {
    const { datastore, host: access } = this.#options
    const settings = this.#settings
    const pools = defaultPools(settings, await datastore.list('IPPool'), host, access.randomBytes)
    const { datastoreType, clusterType, nodename } = settings
    const types = [
      clusterType,
      ...(host.kubernetes?.madeWith ?? []),
      ...(datastoreType === 'kubernetes' ? ['kdd'] : []),
    ]
    const completed = clusterInformation(information, types, access.randomBytes)
    const wanted = configurations(datastoreType, nodename)
    const there = await Promise.all(wanted.map(({ kind, metadata }) => datastore.get(kind, metadata.name)))
    return [
      ...pools,
      ...(completed === information ? [] : [completed]),
      ...wanted.filter((_, at) => there[at] === undefined),
    ]
  }

  async #refuseConflict(node: NodeAnswer, stored: Document | undefined, wish: NodeWish, host: Host) {
    const conflicts = conflictsOf(node.document, await this.#options.datastore.list('Node'))
    if (conflicts.length === 0) return
    const lessened = stored && released(stored, conflicts, wish, host)
    if (lessened) await this.#write([lessened])
    throw conflictError(conflicts)
  }

  async #write(documents: readonly Document[]): Promise<void> {
    const { datastore, mayWrite, log } = this.#options
    for (const document of documents) {
      if (!mayWrite()) return
      const isNew = document.metadata.resourceVersion === undefined
      await (isNew ? datastore.create(document) : datastore.update(document))
      log.info({ subject: documentId(document) }, 'node start-up wrote')
    }
  }

  get #settings(): Settings {
    return this.#options.settings().values
  }
}

function unregistered(nodename: string): StartupError {
  return new StartupError(
    `Node ${nodename}`,
    'kubelet has not registered it yet, or NODENAME is not its name',
  )
}

function isFrozen(information: Document | undefined): boolean {
  return (information?.spec as { datastoreReady?: unknown } | undefined)?.datastoreReady === false
}
