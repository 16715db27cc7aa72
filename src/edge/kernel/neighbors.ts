// Static neighbour entries, of workloads and of VTEPs: permanent ones on workload interfaces and on our VXLAN devices
// are ours.

import { type Address, parseAddress } from '../../inet/address.ts'
import { type Neighbor, neighborKey } from '../../plan/wanted.ts'
import type { Kind, Refused, Seen } from '../../reconcile/kind.ts'
import type { Batch } from './batch.ts'
import { isVxlanDevice, isWorkloadDevice, type Ownership } from './ownership.ts'
import { absentIsDone, refusals } from './refusals.ts'
import type { Program } from './run.ts'

/** An entry as ip(8) prints it, in any state. */
export interface PrintedNeighbor {
  readonly address: Address
  readonly device: string
  /** Present when the entry is permanent and has a hardware address. */
  readonly permanent?: Neighbor
}

/** Reads `10.65.0.2 dev cali0 lladdr 66:3e:ca:a4:db:65 PERMANENT`; undefined for proxy entries and other text. */
export function parseNeighbor(line: string): PrintedNeighbor | undefined {
  const [text = '', ...words] = line.trim().split(/\s+/)
  const address = parseAddress(text)
  const device = valueAfter('dev', words)
  const mac = valueAfter('lladdr', words)
  if (!address || device === undefined || words.includes('proxy')) return undefined
  if (mac === undefined || !words.includes('PERMANENT')) return { address, device }
  return { address, device, permanent: { address, mac, device, because: 'found in the kernel' } }
}

function valueAfter(key: string, words: readonly string[]): string | undefined {
  const at = words.indexOf(key)
  return at < 0 ? undefined : words[at + 1]
}

export class Neighbors implements Kind<Neighbor> {
  readonly name = 'neighbors'
  readonly key = neighborKey
  readonly #ip: Program
  readonly #batch: Batch
  readonly #ownership: Ownership

  constructor(ip: Program, batch: Batch, ownership: Ownership) {
    this.#ip = ip
    this.#batch = batch
    this.#ownership = ownership
  }

  same(a: Neighbor, b: Neighbor): boolean {
    return a.mac === b.mac && neighborKey(a) === neighborKey(b)
  }

  device({ device }: Neighbor): string {
    return device
  }

  async read(): Promise<readonly Neighbor[]> {
    const found: Neighbor[] = []
    for await (const lines of this.#ip.lines('neigh', 'show', 'nud', 'permanent')) {
      for (const line of lines) {
        const { permanent } = parseNeighbor(line) ?? {}
        if (permanent && this.#isOnOurs(permanent.device)) found.push(permanent)
      }
    }
    return found
  }

  async put(neighbors: readonly Neighbor[]): Promise<readonly Refused[]> {
    const outcomes = await this.#batch.run(
      neighbors.map(
        ({ address, mac, device }) => `neigh replace ${address} lladdr ${mac} dev ${device} nud permanent`,
      ),
    )
    return refusals(neighbors, outcomes, neighborKey)
  }

  async remove(neighbors: readonly Neighbor[]): Promise<readonly Refused[]> {
    const outcomes = await this.#batch.run(
      neighbors.map(({ address, device }) => `neigh del ${address} dev ${device}`),
    )
    return refusals(neighbors, absentIsDone(outcomes), neighborKey)
  }

  /** What an event means for one of our keys, if anything. */
  event({ address, device, permanent }: PrintedNeighbor, deleted: boolean): Seen<Neighbor> | undefined {
    if (!this.#isOnOurs(device)) return undefined
    return { key: neighborKey({ address, device }), item: deleted ? undefined : permanent }
  }

  #isOnOurs(device: string): boolean {
    return isWorkloadDevice(device, this.#ownership) || isVxlanDevice(device)
  }
}
