// Transmit checksum offload of a device, by ethtool(8). Some kernels and drivers get the checksums of encapsulated packets
// wrong, which makes services answer after a minute (Calico #3145).
//
// Only where a device was asked to do without is ethtool started at all.

import { cureFor } from './cures.ts'
import { CommandError, type Program } from './run.ts'

export class ChecksumOffload {
  readonly #ethtool: Program
  /** The devices that were ever asked to do without. */
  readonly #careful = new Set<string>()

  constructor(ethtool: Program) {
    this.#ethtool = ethtool
  }

  async read(device: string): Promise<boolean> {
    if (!this.#careful.has(device)) return true
    const text = await this.#ethtool.text('-k', device).catch(() => '')
    return !/^tx-checksumming: off/m.test(text)
  }

  /** Undefined when it is as wanted, else why not. */
  async put(device: string, wanted: boolean): Promise<string | undefined> {
    if (!wanted) this.#careful.add(device)
    if ((await this.read(device)) === wanted) return undefined
    try {
      await this.#ethtool.text('-K', device, 'tx', wanted ? 'on' : 'off')
      return undefined
    } catch (error) {
      if (!(error instanceof CommandError)) throw error
      return `checksum offload: ${cureFor('ethtool', error.message)}`
    }
  }
}
