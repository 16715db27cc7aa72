// What the running agent answers to the commands: paths and the types behind them.
// Everything here is plain JSON; times are milliseconds since the epoch.

import type { BfdView } from '../../bfd/view.ts'
import type { PeerView } from '../../bgp/types.ts'
import type { PathAttributes } from '../../bgp/wire/message.ts'
import type { Problem } from '../../cluster/feed.ts'
import type { SettingView } from '../../config/resolve.ts'
import type { SettingProblem } from '../../config/types.ts'
import type { Address, Family } from '../../inet/address.ts'
import type { Prefix } from '../../inet/prefix.ts'

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
  /** Where the kernel holds policy of calico-node that nobody keeps up to date: `table filter (iptables-nft, IPv4)`. */
  readonly frozenPolicy: readonly string[]
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
  /** Connections that were made to us and not taken, since the start, by reason: `not a peer`, … */
  readonly refused: Readonly<Record<string, number>>
  /** TCP segments that the kernel dropped, since the start, by reason: `signed with another password`, … */
  readonly dropped: Readonly<Record<string, number>>
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

/** Answer to `/explain`: what this node does with packets for a destination, and why. */
export interface ExplainView {
  readonly destination: Prefix
  /** Every prefix of the plan that holds the destination, the longest first. */
  readonly prefixes: readonly PrefixView[]
}

export interface PrefixView {
  readonly prefix: Prefix
  /** The route as iproute2 prints it; undefined: none is wanted. */
  readonly route?: string
  /** Whether the kernel holds it, or in its own words why not. */
  readonly kernel?: 'in force' | 'not there yet' | { readonly refused: string }
  /** Whoever knows the prefix, the first one that gives a route has it. */
  readonly sources: readonly { readonly source: string; readonly says: string }[]
}

/** One peer of `/bgp/peers`. */
export interface PeerAnswer extends PeerView {
  /** The watch on the path to it; absent when none was asked for. */
  readonly bfd?: BfdView
}

/** One path of `/bgp/routes`, `/bgp/received`. */
export interface PathView {
  readonly prefix: Prefix
  /** Name of the peer; null for our own. */
  readonly peer: string | null
  readonly attributes: PathAttributes
  /** Why it is not in use; absent when it is. */
  readonly lostBy?: string
}

/** One route of `/bgp/advertised`. */
export interface AdvertisedView {
  readonly prefix: Prefix
  readonly attributes: PathAttributes
  /** Why we announce it; absent for what we pass on. */
  readonly because?: string
}

/** Answer to `/bgp/reset`. */
export interface ResetView {
  readonly done: string
}

type Nothing = Readonly<Record<string, never>>

/** Every path that is served: what goes with the question, and its answer. */
export interface Questions {
  readonly '/status': { asks: Nothing; answer: AgentStatus }
  readonly '/config': { asks: Nothing; answer: ConfigView }
  readonly '/explain': { asks: { readonly destination: string }; answer: ExplainView }
  readonly '/bgp/peers': { asks: { readonly peer?: string }; answer: readonly PeerAnswer[] }
  /** Without prefix the best paths of all destinations. */
  readonly '/bgp/routes': { asks: { readonly prefix?: string }; answer: readonly PathView[] }
  readonly '/bgp/received': { asks: { readonly peer: string }; answer: readonly PathView[] }
  readonly '/bgp/advertised': { asks: { readonly peer: string }; answer: readonly AdvertisedView[] }
  /** `hard` ends the session, with `message` for those at the other end; `in` and `out` have all routes sent again. */
  readonly '/bgp/reset': {
    asks: { readonly peer: string; readonly how: 'hard' | 'in' | 'out'; readonly message?: string }
    answer: ResetView
  }
}

export type QuestionPath = keyof Questions
export type Asks<P extends QuestionPath> = Questions[P]['asks']
export type Answer<P extends QuestionPath> = Questions[P]['answer']

/** What is not only asked but done, and so asked by POST. */
export const ORDERS: ReadonlySet<string> = new Set<QuestionPath>(['/bgp/reset'])

/** The question makes no sense; the message says what would. */
export class QuestionError extends Error {
  override readonly name = 'QuestionError'
}
