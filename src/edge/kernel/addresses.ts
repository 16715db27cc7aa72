// Addresses of the host on workload interfaces, at which workloads that speak BGP find us. Ours are host addresses of
// link scope there; the link-local address that the kernel makes has its subnet.

import { familyOf } from '../../inet/address.ts'
import { hostPrefix, isHost } from '../../inet/prefix.ts'
import { addressKey, type InterfaceAddress } from '../../plan/wanted.ts'
import type { Kind, Refused, Seen } from '../../reconcile/kind.ts'
import type { Batch } from './batch.ts'
import { readLinks } from './links.ts'
import type { AddressEvent } from './monitor.ts'
import { isWorkloadDevice, type Ownership } from './ownership.ts'
import { absentIsDone, refusals } from './refusals.ts'
import type { Program } from './run.ts'

export class Addresses implements Kind<InterfaceAddress> {
  readonly name = 'addresses'
  readonly key = addressKey
  readonly #ip: Program
  readonly #batch: Batch
  readonly #ownership: Ownership

  constructor(ip: Program, batch: Batch, ownership: Ownership) {
    this.#ip = ip
    this.#batch = batch
    this.#ownership = ownership
  }

  same(a: InterfaceAddress, b: InterfaceAddress): boolean {
    return addressKey(a) === addressKey(b)
  }

  device({ device }: InterfaceAddress): string {
    return device
  }

  async read(): Promise<readonly InterfaceAddress[]> {
    const links = await readLinks(this.#ip)
    return links
      .filter(({ name }) => isWorkloadDevice(name, this.#ownership))
      .flatMap(({ name, addresses }) =>
        addresses
          .filter(({ prefix }) => isHost(prefix))
          .map(({ address }) => ({ device: name, address, because: 'found in the kernel' })),
      )
  }

  /** Without duplicate address detection: each workload has its own link to us, and the same address may be on all. */
  async put(addresses: readonly InterfaceAddress[]): Promise<readonly Refused[]> {
    const outcomes = await this.#batch.run(
      addresses.map(({ device, address }) => {
        const nodad = familyOf(address) === 'ipv6' ? ' nodad' : ''
        return `address replace ${hostPrefix(address)} dev ${device} scope link${nodad}`
      }),
    )
    return refusals(addresses, outcomes, addressKey)
  }

  async remove(addresses: readonly InterfaceAddress[]): Promise<readonly Refused[]> {
    const outcomes = await this.#batch.run(
      addresses.map(({ device, address }) => `address del ${hostPrefix(address)} dev ${device}`),
    )
    return refusals(addresses, absentIsDone(outcomes), addressKey)
  }

  /** What an event means for one of our keys, if anything. */
  event({ device, address: { address, prefix }, deleted }: AddressEvent): Seen<InterfaceAddress> | undefined {
    if (!isWorkloadDevice(device, this.#ownership) || !isHost(prefix)) return undefined
    const item = deleted ? undefined : { device, address, because: 'found in the kernel' }
    return { key: addressKey({ device, address }), item }
  }
}
