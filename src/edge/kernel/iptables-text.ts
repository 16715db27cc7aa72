// What iptables-save prints of our chains, and what iptables-restore is to do about them.
//
// A rule is known by its comment, `caracal:` and a hash over chain and rule: variants and
// versions of iptables print the rest in spellings of their own (Calico felix/iptables
// does so too). Someone who changes a rule changes the comment, or loses it.

import { createHash } from 'node:crypto'
import type { Family } from '../../inet/address.ts'
import type { NatChain, NatRule } from '../../plan/wanted.ts'

/** The two implementations of iptables. What one has written the other does not see. */
export type Backend = 'nft' | 'legacy'

/** One chain of a nat table, wanted or found. */
export interface KernelChain {
  readonly family: Family
  readonly name: string
  /** Of our own chains all, of the kernel's ours: as after `-A CHAIN`, with their comments. */
  readonly rules: readonly string[]
  /** Set when rules of others stand behind ours in a chain of the kernel. */
  readonly overtaken?: true
  /** Set when it was found where we do not write. */
  readonly leftIn?: Backend
  readonly because: string
}

/** A wanted chain with the comments that make its rules known for ours. */
export function kernelChain({ family, name, rules, because }: NatChain): KernelChain {
  return { family, name, rules: rules.map((rule) => commented(name, rule)), because }
}

function commented(chain: string, { rule, because }: NatRule): string {
  const hash = createHash('sha224').update(`${chain} ${rule}`).digest('base64url').slice(0, 16)
  return `-m comment --comment "caracal:${hash} ${because}" ${rule}`
}

/** By what a chain, and a rule in a chain of others, is known. */
export interface Marks {
  readonly chain: RegExp
  readonly comment: RegExp
}

export const OUR_MARKS: Marks = { chain: /^caracal-/, comment: /--comment "?caracal:/ }
/** Ours; and Calico's, which nobody looks after once we have taken its place. */
export const INHERITED_MARKS: Marks = { chain: /^(caracal|cali)-/, comment: /--comment "?(caracal|cali):/ }

export function isOwnChain(name: string): boolean {
  return INHERITED_MARKS.chain.test(name)
}

/** Equal in what the kernel does with packets. */
export function sameChain(a: KernelChain, b: KernelChain): boolean {
  const isMarkedSame = (rule: string, i: number) =>
    markOf(rule) !== '' && markOf(rule) === markOf(b.rules[i]!)
  return (
    a.overtaken === b.overtaken &&
    a.leftIn === b.leftIn &&
    a.rules.length === b.rules.length &&
    a.rules.every(isMarkedSame)
  )
}

function markOf(rule: string): string {
  return /--comment "?caracal:([\w-]{16})/.exec(rule)?.[1] ?? ''
}

/** Chains of the nat table that bear these marks, from the output of iptables-save. */
export function parseSave(
  text: string,
  family: Family,
  leftIn?: Backend,
  marks = INHERITED_MARKS,
): KernelChain[] {
  const found = new Map<string, { rules: string[]; overtaken: boolean }>()
  for (const line of natLines(text)) {
    const [, declared] = /^:(\S+) /.exec(line) ?? []
    if (declared !== undefined && marks.chain.test(declared))
      found.set(declared, { rules: [], overtaken: false })
    const [, chain, rule] = /^-A (\S+) (.+)/.exec(line) ?? []
    if (chain === undefined || rule === undefined) continue
    const ours = found.get(chain)
    if (!marks.chain.test(chain) && !marks.comment.test(rule)) {
      if (ours) ours.overtaken = true
    } else if (ours) ours.rules.push(rule)
    else found.set(chain, { rules: [rule], overtaken: false })
  }
  return [...found].map(([name, { rules, overtaken }]) => ({
    family,
    name,
    rules,
    ...(overtaken && { overtaken }),
    ...(leftIn && { leftIn }),
    because: 'found in the kernel',
  }))
}

function natLines(text: string): string[] {
  const [, section = ''] = /^\*nat$(.*?)^COMMIT$/ms.exec(text) ?? []
  return section.split('\n')
}

/** Makes chains as wanted, in one transaction. `found` is what there is of them now. */
export function putText(chains: readonly KernelChain[], found: readonly KernelChain[]): string {
  return transaction([
    ...chains.filter(({ name }) => isOwnChain(name)).map(emptied),
    ...chains.flatMap(({ name }) => jumpsGone(found.filter((chain) => chain.name === name))),
    ...chains.flatMap(({ name, rules }) => rules.map((rule) => `-A ${name} ${rule}`)),
  ])
}

/** Leaves nothing of what was found in these chains: the jumps go first, then the chains, which may refer to each other. */
export function removeText(found: readonly KernelChain[]): string {
  const own = found.filter(({ name }) => isOwnChain(name))
  return transaction([...jumpsGone(found), ...own.map(emptied), ...own.map(({ name }) => `-X ${name}`)])
}

/** Deletes our rules from the kernel's chains by what they are: numbers would be those of another moment. */
function jumpsGone(found: readonly KernelChain[]): string[] {
  return found
    .filter(({ name }) => !isOwnChain(name))
    .flatMap(({ name, rules }) => rules.map((rule) => `-D ${name} ${rule}`))
}

/** With --noflush a declaration makes the chain, or empties it. */
function emptied({ name }: KernelChain): string {
  return `:${name} - [0:0]`
}

function transaction(lines: readonly string[]): string {
  return `${['*nat', ...lines, 'COMMIT'].join('\n')}\n`
}
