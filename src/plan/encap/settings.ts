// The settings that shape tunnel devices and the routes to other nodes.

import type { ProgramClusterRoutes } from '../../cluster/model.ts'

export interface TunnelSettings {
  /** False with CALICO_NETWORKING_BACKEND `none`: no devices at all. */
  readonly enabled: boolean
  /** Undefined: when a pool needs it. */
  readonly ipipEnabled: boolean | undefined
  /** The same for IPv4; that of IPv6 depends on pools alone, as in Calico. */
  readonly vxlanEnabled: boolean | undefined
  /** 0: that of the host less what the header takes. */
  readonly ipipMtu: number
  readonly vxlanMtu: number
  readonly vxlanMtuV6: number
  readonly vxlanPort: number
  readonly vxlanVni: number
  /** Interfaces whose MTU counts as that of the host. */
  readonly mtuInterfaces: RegExp
  readonly checksumOffload: boolean
  /** What FelixConfiguration says. */
  readonly programClusterRoutes: ProgramClusterRoutes | undefined
}

/** Kernels up to this one get the checksums of encapsulated packets wrong (Calico #3145, felix/environment/feature_detect.go). */
const LAST_BROKEN = [5, 7, 0] as const

/** Whether the kernel of this release (`uname -r`) can be left to compute checksums in tunnel devices. */
export function offloadsChecksums(release: string): boolean {
  const version = /^(\d+)\.(\d+)(?:\.(\d+))?/
    .exec(release)
    ?.slice(1)
    .map((part) => Number(part ?? 0))
  if (!version) return true
  const at = LAST_BROKEN.findIndex((part, i) => version[i] !== part)
  return at >= 0 && version[at]! > LAST_BROKEN[at]!
}
