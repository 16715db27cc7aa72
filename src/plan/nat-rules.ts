// The nat chains and their rules, as iptables takes them. Calico felix/rules/nat.go, felix/rules/static.go
// (StaticNATPostroutingChains).

import type { Family } from '../inet/address.ts'
import type { NatInputs, NatSettings, PortRange } from './nat-inputs.ts'
import { isTranslated, type SetNames, setNames } from './nat-sets.ts'
import type { NatChain, NatRule, Tunnel, TunnelName } from './wanted.ts'

const HOOK = 'POSTROUTING'
const OWN_HOOK = 'caracal-POSTROUTING'
const OUTGOING = 'caracal-nat-outgoing'
export const chainNames = [HOOK, OWN_HOOK, OUTGOING] as const

const chainReasons: Readonly<Record<(typeof chainNames)[number], string>> = {
  // kube-proxy must see its masquerade mark and clear it before we translate (Calico issue #9091).
  [HOOK]: 'last, after kube-proxy',
  [OWN_HOOK]: 'what is translated on its way out',
  [OUTGOING]: 'pools with natOutgoing',
}

/** A chain without rules is not wanted: where nothing is translated nothing of ours is left. */
export function chainFor(key: string, inputs: NatInputs): NatChain | undefined {
  const [family, name] = key.split(' ') as [Family, (typeof chainNames)[number]]
  const rules = rulesOf(name, family, inputs)
  return rules.length === 0 ? undefined : { family, name, rules, because: chainReasons[name] }
}

function rulesOf(name: string, family: Family, inputs: NatInputs): NatRule[] {
  const isOutgoing = isTranslated(family, inputs)
  if (name === OUTGOING) return isOutgoing ? outgoingRules(family, setNames[family], inputs.settings) : []
  if (name === HOOK) return rulesOf(OWN_HOOK, family, inputs).length > 0 ? [jump(OWN_HOOK)] : []
  return [...(isOutgoing ? [jump(OUTGOING)] : []), ...tunnelRules(tunnelsOf(family, inputs), inputs.settings)]
}

function jump(name: typeof OWN_HOOK | typeof OUTGOING): NatRule {
  return { rule: `-j ${name}`, because: chainReasons[name] }
}

const tunnelNames: Readonly<Record<Family, readonly TunnelName[]>> = {
  ipv4: ['tunl0', 'vxlan.calico'],
  ipv6: ['vxlan-v6.calico'],
}

function tunnelsOf(family: Family, { tunnels }: NatInputs): Tunnel[] {
  return tunnelNames[family].map((name) => tunnels.get(name)).filter((tunnel) => tunnel !== undefined)
}

/** From a pool with natOutgoing to anywhere but pools: one rule for all pools, or five with a port range. */
function outgoingRules(family: Family, names: SetNames, settings: NatSettings): NatRule[] {
  const { excludeHosts, outgoingInterface, portRange } = settings
  const match = words(
    `-m set --match-set ${names.masqPools} src`,
    `-m set ! --match-set ${names.pools} dst`,
    excludeHosts && `-m set ! --match-set ${names.hosts} dst`,
    outgoingInterface !== undefined && `-o ${outgoingInterface}`,
  )
  const because = 'pods with natOutgoing leave the cluster'
  const any = { rule: words(match, `-j ${sourceTarget(family, settings)}`), because }
  if (!portRange) return [any]
  const inRange = sourceTarget(family, settings, portRange)
  return [
    ...['tcp', 'udp'].flatMap((protocol) => [
      { rule: words(`-p ${protocol}`, match, `-j ${inRange}`), because: `${because} from natPortRange` },
      // As Calico: nothing of these protocols reaches the rule for all others.
      { rule: words(`-p ${protocol}`, match, '-j RETURN'), because: 'no port beside natPortRange' },
    ]),
    any,
  ]
}

/** A fixed IPv4 address would make ip6tables refuse the whole table (Calico issue #3275). */
function sourceTarget(family: Family, settings: NatSettings, ports?: PortRange): string {
  const { outgoingAddress, fullyRandom } = settings
  if (outgoingAddress === undefined || family === 'ipv6') return masquerade(fullyRandom.masquerade, ports)
  const range = ports ? `:${ports.first}-${ports.last}` : ''
  return words(`SNAT --to-source ${outgoingAddress}${range}`, fullyRandom.snat && '--random-fully')
}

function masquerade(fullyRandom: boolean, ports?: PortRange): string {
  return words(
    'MASQUERADE',
    ports && `--to-ports ${ports.first}-${ports.last}`,
    fullyRandom && '--random-fully',
  )
}

/**
 * The host's own packets into a tunnel have the tunnel's address, also where the source was chosen before kube-proxy
 * chose the destination. Where the family has VXLAN, UDP keeps off its port: the reply would be taken for foreign VXLAN
 * (Calico issues #12244, #13118).
 */
function tunnelRules(tunnels: readonly Tunnel[], { fullyRandom }: NatSettings): NatRule[] {
  const port = tunnels.find(({ vxlan }) => vxlan)?.vxlan?.port
  return tunnels.flatMap(({ name, address }) => {
    if (address === undefined) return []
    const match = `-o ${name} -m addrtype ! --src-type LOCAL --limit-iface-out -m addrtype --src-type LOCAL`
    const because = `packets of this host into ${name} have its address`
    const any = { rule: words(match, `-j ${masquerade(fullyRandom.masquerade)}`), because }
    if (port === undefined) return [any]
    const besidePort = masquerade(fullyRandom.masquerade, portsBeside(port))
    return [
      { rule: words('-p udp', match, `-j ${besidePort}`), because: `${because}, and no VXLAN port` },
      any,
    ]
  })
}

/** The wider range below or above a port, without the privileged ones. */
function portsBeside(port: number): PortRange {
  const below = { first: 1024, last: port - 1 }
  const above = { first: port + 1, last: 65_535 }
  return below.last - below.first > above.last - above.first ? below : above
}

function words(...list: readonly (string | false | undefined)[]): string {
  return list.filter((word) => word).join(' ')
}
