// Which sets and nat chains this node should have. Calico felix/dataplane/linux/masq_mgr.go, hostip_mgr.go.
//
// Sets, members and chains are keyed apart, so that a node or pool among many is one
// line of `ipset restore`. A member depends on whether its set is wanted at all: when
// a set comes or goes, everything that could be in it is looked at.

import type { Resource } from '../cluster/model.ts'
import { FAMILIES, familyOf } from '../inet/address.ts'
import { hostPrefix } from '../inet/prefix.ts'
import { Derived, sameJson, sameRecord } from './derived.ts'
import { bgpAddresses } from './facts.ts'
import type { NatInputs } from './nat-inputs.ts'
import { chainFor, chainNames } from './nat-rules.ts'
import { memberFor, setFor, setKinds, setNames } from './nat-sets.ts'
import { chainKey, type IpSet, memberKey, type NatChain, type SetMember } from './wanted.ts'

/** What `settle` found different, by name of the set, `SET PREFIX` and `FAMILY CHAIN`. */
export interface NatChanges {
  readonly sets: ReadonlyMap<string, IpSet | undefined>
  readonly setMembers: ReadonlyMap<string, SetMember | undefined>
  readonly chains: ReadonlyMap<string, NatChain | undefined>
}

export class Nat {
  readonly #inputs: () => NatInputs
  readonly #sets = new Derived<string, IpSet>((name) => setFor(name, this.#inputs()), sameRecord)
  readonly #members = new Derived<string, SetMember>((key) => memberFor(key, this.#inputs()), sameRecord)
  readonly #chains = new Derived<string, NatChain>((key) => chainFor(key, this.#inputs()), sameJson)

  constructor(inputs: () => NatInputs) {
    this.#inputs = inputs
  }

  get dirty(): boolean {
    return [this.#sets, this.#members, this.#chains].some(({ dirty }) => dirty)
  }

  get sets(): ReadonlyMap<string, IpSet> {
    return this.#sets.values
  }

  get setMembers(): ReadonlyMap<string, SetMember> {
    return this.#members.values
  }

  get chains(): ReadonlyMap<string, NatChain> {
    return this.#chains.values
  }

  /** A resource came, went or changed. */
  touch(resource: Resource): void {
    if (resource.kind === 'IPPool') {
      const { pools, masqPools } = setNames[resource.family]
      for (const set of [pools, masqPools]) this.#members.touch(memberKey({ set, prefix: resource.cidr }))
      for (const name of setKinds.keys()) this.#sets.touch(name)
      this.touchChains()
    }
    if (resource.kind === 'Node') {
      for (const address of bgpAddresses(resource)) {
        const set = setNames[familyOf(address)].hosts
        this.#members.touch(memberKey({ set, prefix: hostPrefix(address) }))
      }
    }
  }

  /** Tunnels changed. */
  touchChains(): void {
    for (const family of FAMILIES)
      for (const name of chainNames) this.#chains.touch(chainKey({ family, name }))
  }

  touchAll(): void {
    this.touchChains()
    this.#members.touchAll()
    for (const name of setKinds.keys()) {
      this.#sets.touch(name)
      this.#touchMembers(name)
    }
  }

  settle(): NatChanges {
    const sets = this.#sets.settle()
    for (const name of sets.keys()) this.#touchMembers(name)
    return { sets, setMembers: this.#members.settle(), chains: this.#chains.settle() }
  }

  #touchMembers(set: string): void {
    const { family, candidates } = setKinds.get(set)!
    for (const prefix of candidates(this.#inputs())) {
      if (familyOf(prefix) === family) this.#members.touch(memberKey({ set, prefix }))
    }
  }
}
