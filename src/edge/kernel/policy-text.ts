// What calico-node's policy is in the output of iptables-save and nft, and what takes it away. Names: Calico
// felix/rules/rule_defs.go; where the chains hang: felix/iptables/table.go; tables of nftables: felix/nftables/table.go.

import { FAMILY_NAMES, type Family } from '../../inet/address.ts'
import type { Backend } from './iptables-text.ts'

/** All that Felix has in one table, whoever wrote it: chains of its own, and its rules in the chains of the kernel. */
export type PolicyTable =
  | {
      readonly program: 'iptables'
      readonly family: Family
      readonly backend: Backend
      /** `filter`, `raw`, `mangle`. */
      readonly table: string
      readonly chains: readonly string[]
      /** As after `-A`: `FORWARD -m comment …`. */
      readonly rules: readonly string[]
    }
  /** A whole table, `ip calico`, with its NAT. */
  | { readonly program: 'nft'; readonly table: string }

const OWN_CHAIN = /^(cali|felix)-|^cali(fw|tw|fh|th|pi|po)-/
const OWN_COMMENT = /--comment "?cali:/
/** NAT is brought to the plan by the reconciler of chains. */
const NOT_POLICY = 'nat'

/** Where it is, for people; also its key. */
export function whereOf(found: PolicyTable): string {
  if (found.program === 'nft') return `table ${found.table} (nftables)`
  const { table, backend, family } = found
  return `table ${table} (iptables-${backend}, ${FAMILY_NAMES[family]})`
}

/** Felix's part of each table, from the output of iptables-save for all of them. */
export function parsePolicy(text: string, family: Family, backend: Backend): PolicyTable[] {
  const sections = [...text.matchAll(/^\*(\w+)$(.*?)^COMMIT$/gms)]
  return sections.flatMap(([, table = '', section = '']): PolicyTable[] => {
    const chains = [...section.matchAll(/^:(\S+) /gm)]
      .map(([, name]) => name!)
      .filter((name) => OWN_CHAIN.test(name))
    const rules = [...section.matchAll(/^-A ((\S+) .+)$/gm)]
      .filter(([, rule = '', chain = '']) => !OWN_CHAIN.test(chain) && OWN_COMMENT.test(rule))
      .map(([, rule]) => rule!)
    if (table === NOT_POLICY || chains.length + rules.length === 0) return []
    return [{ program: 'iptables', family, backend, table, chains, rules }]
  })
}

/** From `nft list tables`: Felix writes there when kube-proxy does (v3.32 on). */
export function parseNftTables(text: string): PolicyTable[] {
  return [...text.matchAll(/^table ((?:ip|ip6) calico|arp calico-arp)$/gm)].map(([, table]) => ({
    program: 'nft',
    table: table!,
  }))
}

/** For iptables-restore, in one transaction: the way into the chains goes first, then what they refer to, then they. */
export function removePolicyText({
  table,
  chains,
  rules,
}: Extract<PolicyTable, { program: 'iptables' }>): string {
  const lines = [
    `*${table}`,
    ...rules.map((rule) => `-D ${rule}`),
    ...chains.map((name) => `:${name} - [0:0]`),
    ...chains.map((name) => `-X ${name}`),
    'COMMIT',
  ]
  return `${lines.join('\n')}\n`
}
