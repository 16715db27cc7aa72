// Tunnel devices: tunl0, vxlan.calico, vxlan-v6.calico. They are ours by their names (Calico felix/dataplane/linux).
//
// They change seldom and by few commands, so each is a process of its own: one that
// stays would take a device made anew for the one before it, since it looks up a name once.

import { kindOf, type TunnelKind } from '../../plan/encap/local.ts'
import type { Tunnel } from '../../plan/wanted.ts'
import type { Kind, Refused } from '../../reconcile/kind.ts'
import { ChecksumOffload } from './checksum-offload.ts'
import { CommandError, type Program } from './run.ts'
import {
  addLine,
  bare,
  type KernelTunnel,
  mend,
  needsReplacing,
  type PrintedDevice,
  parseDevices,
  removeLine,
  sameTunnel,
  tunnelOf,
} from './tunnel-text.ts'
import { saysAbsent, saysExists, saysNoKind, saysPassing } from './words.ts'

export interface TunnelsOptions {
  readonly ip: Program
  readonly ethtool: Program
  /** A device is about to be made, in the place of any other of its name: what hung on that goes without a word. */
  onMaking(name: string): void
  /** It is there and up. Others may hang on it as soon as this resolves. */
  onMade(index: number): Promise<void>
}

export class Tunnels implements Kind<KernelTunnel> {
  readonly name = 'tunnels'
  readonly same = sameTunnel
  readonly #ip: Program
  readonly #offload: ChecksumOffload
  readonly #options: TunnelsOptions
  readonly #unsupported = new Set<TunnelKind>()
  /** Whether tunl0 is wanted. Without an address, nothing else tells ours from one that only came with its module. */
  #usesTunl0 = false

  constructor(options: TunnelsOptions) {
    this.#ip = options.ip
    this.#offload = new ChecksumOffload(options.ethtool)
    this.#options = options
  }

  key({ name }: KernelTunnel): string {
    return name
  }

  /** The kinds that the kernel would not make when it was last asked. */
  unsupported(): ReadonlySet<TunnelKind> {
    return new Set(this.#unsupported)
  }

  async read(): Promise<readonly KernelTunnel[]> {
    const tunnels = (await this.#devices()).map(tunnelOf).filter((tunnel) => tunnel !== undefined)
    const ours = tunnels.filter((tunnel) => tunnel.name !== 'tunl0' || this.#isOurTunl0(tunnel))
    return Promise.all(
      ours.map(async (tunnel) => ({ ...tunnel, checksumOffload: await this.#offload.read(tunnel.name) })),
    )
  }

  async put(tunnels: readonly KernelTunnel[]): Promise<readonly Refused[]> {
    const refused: Refused[] = []
    for (const tunnel of tunnels) {
      const reason = await this.#putOne(tunnel as Tunnel).catch(wordsOf)
      if (reason !== undefined) refused.push(refusal(tunnel, reason))
    }
    return refused
  }

  async remove(tunnels: readonly KernelTunnel[]): Promise<readonly Refused[]> {
    const refused: Refused[] = []
    for (const tunnel of tunnels) {
      if (tunnel.name === 'tunl0') this.#usesTunl0 = false
      const words = await this.#try(removeLine(tunnel))
      if (words !== undefined && !saysAbsent(words)) refused.push(refusal(tunnel, words))
    }
    return refused
  }

  /** Why it is not as wanted, if so. What can be done is done even so: a tunnel with a wrong MTU is better than none. */
  async #putOne(wanted: Tunnel): Promise<string | undefined> {
    if (wanted.name === 'tunl0') this.#usesTunl0 = true
    const devices = await this.#devices()
    const found = devices.map(tunnelOf).find((tunnel) => tunnel?.name === wanted.name)
    const isUsable = found !== undefined && !needsReplacing(found, wanted)
    const obstacle = isUsable ? undefined : await this.#make(wanted, found, devices)
    if (obstacle !== undefined) return obstacle
    this.#unsupported.delete(kindOf(wanted.name))
    const reasons: string[] = []
    for (const line of mend(isUsable ? found : bare(wanted), wanted)) {
      const words = await this.#try(line)
      if (words !== undefined) reasons.push(`ip ${line}: ${words}`)
    }
    if (!isUsable) await this.#options.onMade(await this.#indexOf(wanted.name))
    const offload = await this.#offload.put(wanted.name, wanted.checksumOffload)
    return [...reasons, ...(offload === undefined ? [] : [offload])].join('; ') || undefined
  }

  /** Makes the device, in place of the one found. Says why it cannot, if so. */
  async #make(
    wanted: Tunnel,
    found: KernelTunnel | undefined,
    devices: readonly PrintedDevice[],
  ): Promise<string | undefined> {
    if (found && wanted.name === 'tunl0')
      return `tunl0 ${found.misfits?.join()}: it is not ours to remove; give it another name`
    this.#options.onMaking(wanted.name)
    const inTheWay = found && (await this.#try(removeLine(found)))
    if (inTheWay !== undefined && !saysAbsent(inTheWay)) return inTheWay
    const words = await this.#try(addLine(wanted))
    // Loading the module makes tunl0, and then there is no need to add it.
    if (words === undefined || (wanted.name === 'tunl0' && saysExists(words))) return undefined
    if (saysNoKind(words)) this.#unsupported.add(kindOf(wanted.name))
    return withCure(words, wanted, devices)
  }

  #isOurTunl0({ misfits = [], addresses = [] }: KernelTunnel): boolean {
    return this.#usesTunl0 || (misfits.length === 0 && addresses.length > 0)
  }

  async #indexOf(name: string): Promise<number> {
    return parseDevices(await this.#ip.text('-j', 'link', 'show', 'dev', name))[0]!.ifindex
  }

  async #devices(): Promise<PrintedDevice[]> {
    return parseDevices(await this.#ip.text('-j', '-d', 'addr', 'show'))
  }

  /** Undefined when it is done, else why not. */
  async #try(line: string): Promise<string | undefined> {
    return this.#ip.text(...line.split(' ')).then(() => undefined, wordsOf)
  }
}

function wordsOf(error: unknown): string {
  if (error instanceof CommandError) return error.stderr.trim().replaceAll('\n', '; ')
  throw error
}

function refusal({ name }: KernelTunnel, reason: string): Refused {
  return { key: name, reason, transient: saysPassing(reason) }
}

/** The kernel's words, and what a person can do about it. */
function withCure(words: string, { name, vxlan }: Tunnel, devices: readonly PrintedDevice[]): string {
  if (saysNoKind(words)) {
    const [what, module] = vxlan ? ['VXLAN', 'vxlan'] : ['IPIP', 'ipip']
    return `${words} This kernel has no ${what}: load the module (modprobe ${module}), or have the pools do without`
  }
  const owner = vxlan && saysExists(words) && devices.find((device) => occupies(device, vxlan))
  if (!owner) return words
  const { vni, port } = vxlan
  return `${words} ${owner.ifname} has VNI ${vni} on port ${port}: remove it, or give ${name} another vxlanVNI or vxlanPort`
}

function occupies({ linkinfo }: PrintedDevice, { vni, port }: { vni: number; port: number }): boolean {
  const data = linkinfo?.info_kind === 'vxlan' ? linkinfo.info_data : undefined
  return data?.id === vni && data.port === port
}
