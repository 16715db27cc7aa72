// What the plan has been told. Changed only by `Plan` (plan.ts); all else in this folder reads.

import type { IpPool } from '../cluster/model.ts'
import type { Address } from '../inet/address.ts'
import type { Prefix } from '../inet/prefix.ts'
import type { TunnelKind } from './encap/local.ts'
import { Facts } from './facts.ts'
import type { NatSettings } from './nat-inputs.ts'
import type { BgpSettings } from './plan-bgp.ts'
import type { KernelSettings } from './plan-kernel.ts'
import { Resolver } from './resolve.ts'
import type { ServiceSettings } from './service-facts.ts'
import type { ForeignRoute, Link } from './underlay.ts'
import type { Route } from './wanted.ts'

export interface PlanSettings {
  readonly kernel: KernelSettings
  readonly bgp: BgpSettings
  readonly nat: NatSettings
  /** USE_POD_CIDR. Does not change while we run. */
  readonly usePodCidr: boolean
  /** Do not change while we run either. */
  readonly services: ServiceSettings
}

export class Known {
  /** Cluster data, by what it is looked up by. */
  readonly facts: Facts
  readonly resolver = new Resolver()
  readonly links = new Map<string, Link>()
  /** The interface that last had an address, as long as it is there. */
  readonly homes = new Map<Address, string>()
  /** Routes of others by destination, of the metric ours would have. */
  readonly foreign = new Map<Prefix, ForeignRoute>()
  /** BGP routes an earlier run left, kept until our sessions have spoken. */
  readonly stale = new Map<Prefix, Route>()
  /** Pools whose encapsulation has just changed, as they were before, the last change first. */
  readonly former: IpPool[] = []
  /** Kinds of tunnel devices that this kernel cannot make. */
  unsupported: ReadonlySet<TunnelKind> = new Set()
  settings: PlanSettings

  constructor(self: string, settings: PlanSettings) {
    this.facts = new Facts(self, settings.services)
    this.settings = settings
  }
}
