// FDB entries of VXLAN devices: permanent ones on our devices are ours. Calico felix/vxlanfdb/vxlan_fdb.go.
//
// A device has one destination for a MAC address, so `replace` moves it and `del` by
// MAC address is exact. Never `append`: packets would go to both (Calico #9450).

import { type Address, parseAddress } from '../../inet/address.ts'
import { type FdbEntry, fdbKey } from '../../plan/wanted.ts'
import type { Kind, Refused, Seen } from '../../reconcile/kind.ts'
import type { Batch } from './batch.ts'
import { isVxlanDevice, VXLAN_DEVICES } from './ownership.ts'
import { absentIsDone, refusals } from './refusals.ts'
import { CommandError, type Program } from './run.ts'
import { saysAbsent } from './words.ts'

/** An entry as the kernel holds it: of any program. */
export interface KernelFdbEntry extends FdbEntry {
  /** Goes by a port, VNI or interface other than that of the device, which none of ours does. */
  readonly detour?: true
}

/** As much of `bridge -j fdb show dev DEVICE` as we use. */
interface Printed {
  readonly mac: string
  readonly dst?: string
  readonly state?: string
  readonly port?: number
  readonly vni?: number
  readonly viaIf?: string
}

/** The permanent entries with a destination. */
export function parseFdb(json: string, device: string): KernelFdbEntry[] {
  return (JSON.parse(json || '[]') as Printed[]).flatMap(({ mac, dst = '', state, port, vni, viaIf }) => {
    const destination = parseAddress(dst)
    if (!destination || state !== 'permanent') return []
    const detours = port !== undefined || vni !== undefined || viaIf !== undefined
    return { ...entry(device, mac, destination), ...(detours && { detour: true }) }
  })
}

/**
 * `ip monitor` tells of FDB entries in the form of neighbours: `172.18.0.4 dev vxlan.calico lladdr 66:3e:ca:a4:db:65
 * NOARP PERMANENT`. A neighbour is in one state only; an entry written by bridge(8) shows two.
 */
export function parseFdbEvent(text: string): KernelFdbEntry | undefined {
  const [, destination = '', device, mac] =
    /^(\S+) dev (\S+) lladdr (\S+) (?:NOARP|REACHABLE) PERMANENT\s*$/.exec(text) ?? []
  const address = parseAddress(destination)
  return address && device !== undefined && mac !== undefined ? entry(device, mac, address) : undefined
}

function entry(device: string, mac: string, destination: Address): KernelFdbEntry {
  return { mac, device, destination, because: 'found in the kernel' }
}

export class Fdb implements Kind<KernelFdbEntry> {
  readonly name = 'fdb'
  readonly key = fdbKey
  readonly #bridge: Program
  readonly #batch: Batch

  constructor(bridge: Program, batch: Batch) {
    this.#bridge = bridge
    this.#batch = batch
  }

  same(a: KernelFdbEntry, b: KernelFdbEntry): boolean {
    return fdbKey(a) === fdbKey(b) && a.destination === b.destination && a.detour === b.detour
  }

  device({ device }: KernelFdbEntry): string {
    return device
  }

  async read(): Promise<readonly KernelFdbEntry[]> {
    const found = await Promise.all(VXLAN_DEVICES.map((device) => this.#readDevice(device)))
    return found.flat()
  }

  async #readDevice(device: string): Promise<readonly KernelFdbEntry[]> {
    try {
      return parseFdb(await this.#bridge.text('-j', 'fdb', 'show', 'dev', device), device)
    } catch (error) {
      if (error instanceof CommandError && saysAbsent(error.stderr)) return []
      throw error
    }
  }

  async put(entries: readonly KernelFdbEntry[]): Promise<readonly Refused[]> {
    const outcomes = await this.#batch.run(
      entries.map(
        ({ mac, device, destination }) =>
          `fdb replace ${mac} dev ${device} dst ${destination} self permanent`,
      ),
    )
    return refusals(entries, outcomes, fdbKey)
  }

  async remove(entries: readonly KernelFdbEntry[]): Promise<readonly Refused[]> {
    const outcomes = await this.#batch.run(
      entries.map(({ mac, device }) => `fdb del ${mac} dev ${device} self`),
    )
    return refusals(entries, absentIsDone(outcomes), fdbKey)
  }

  /** What an event means for one of our keys, if anything. */
  event(entry: KernelFdbEntry, deleted: boolean): Seen<KernelFdbEntry> | undefined {
    if (!isVxlanDevice(entry.device)) return undefined
    return { key: fdbKey(entry), item: deleted ? undefined : entry }
  }
}
