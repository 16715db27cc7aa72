// What the running agent answers to the commands: paths and the types behind them.
// Everything here is plain JSON; times are milliseconds since the epoch.

import type { PeerView } from '../../bgp/types.ts'
import type { Problem } from '../../cluster/feed.ts'
import type { SettingView } from '../../config/resolve.ts'
import type { SettingProblem } from '../../config/types.ts'
import type { Address, Family } from '../../inet/address.ts'

/** Answer to `/status`. */
export interface AgentStatus {
  readonly node: string
  readonly version: string
  readonly pid: number
  readonly startedAt: number
  readonly backend: 'bird' | 'vxlan' | 'none'
  readonly datastore: DatastoreStatus
  readonly startup: StartupStatus
  readonly bgp: BgpStatus
  readonly kernel: readonly KernelStatus[]
  /** Whatever else a person should know, in sentences, wrong settings first. Does not make the node unhealthy. */
  readonly warnings: readonly string[]
}

export interface DatastoreStatus {
  readonly type: 'kubernetes' | 'etcdv3' | 'file'
  /** `waiting`: no contact; `synchronising`: lists are coming in; `in-sync`: nothing is missing. */
  readonly state: 'waiting' | 'synchronising' | 'in-sync'
  /** When `state` began. */
  readonly since: number
  readonly problems: readonly Problem[]
}

/** How far this node has come with its own resource and what an empty cluster lacks. */
export interface StartupStatus {
  /** `failed`: it is tried again. */
  readonly state: 'waiting' | 'done' | 'failed'
  /** What is waited for, unless it is the datastore; or what is wrong, and what would be right. */
  readonly reason?: string
}

export interface BgpStatus {
  /** Undefined until the node's own resource is known. */
  readonly routerId: Address | undefined
  readonly asn: number | undefined
  readonly listening: Readonly<Record<Family, Listening>>
  /** In any order. */
  readonly peers: readonly PeerView[]
}

/** Where BGP connections are taken, `0.0.0.0:179`, or in words why they are not. `intended`: as configured. */
export type Listening =
  | { readonly endpoint: string }
  | { readonly reason: string; readonly intended: boolean }

/** One kind of kernel object. */
export interface KernelStatus {
  /** `routes`, `neighbors`, `sysctls`, … */
  readonly name: string
  readonly wanted: number
  /** Of those wanted, how many the kernel holds as they should be. */
  readonly inForce: number
  readonly refused: readonly RefusedView[]
  /** How often something of ours that somebody else changed was put right, since the start. */
  readonly repairs: number
}

export interface RefusedView {
  readonly key: string
  /** The kernel's own words. */
  readonly reason: string
  readonly attempts: number
}

/** Answer to `/config`. */
export interface ConfigView {
  readonly settings: readonly SettingView[]
  readonly problems: readonly SettingProblem[]
  /** Variables that look like settings and are none. */
  readonly unknown: readonly string[]
  /** Variables of Felix that have no effect here. */
  readonly unused: readonly string[]
}

/** Every path that is served, with its answer. */
export interface Answers {
  readonly '/status': AgentStatus
  readonly '/config': ConfigView
}
