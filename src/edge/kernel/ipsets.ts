// The sets that nat rules look into, and their members, through ipset(8). Calico felix/ipsets.
//
// Two kinds: a set must be there before a rule names it and cannot go while one does,
// and a member more or less is one line. What ipset cannot tell is followed by
// ipset-watch.ts.

import { parseCidr } from '../../inet/prefix.ts'
import { type IpSet, memberKey, type SetMember } from '../../plan/wanted.ts'
import type { Kind, Refused } from '../../reconcile/kind.ts'
import { cureFor } from './cures.ts'
import type { CommandError, Program } from './run.ts'

/** A set, wanted or found. */
export interface KernelSet extends IpSet {
  /** When it is not the one we make. */
  readonly type?: string
}

const TYPE = 'hash:net'
/** By name. The second form is Calico's, for its own outgoing rule: without that nobody needs them. */
const OURS = /^(caracal-|cali[46]0(masq-ipam-pools|network-ip-pools|all-ipam-pools)$)/

/** `create caracal-pools-v4 hash:net family inet hashsize 1024 maxelem 1048576 bucketsize 12 initval 0x45270add` */
export function parseSet(line: string): KernelSet | undefined {
  const [, name, type, inet] = /^create (\S+) (\S+) .*?family (inet6?)\b/.exec(line) ?? []
  if (name === undefined || type === undefined) return undefined
  return {
    name,
    family: inet === 'inet6' ? 'ipv6' : 'ipv4',
    maxElements: Number(/ maxelem (\d+)/.exec(line)?.[1]),
    ...(type !== TYPE && { type }),
    because: 'found in the kernel',
  }
}

/** `add caracal-pools-v4 10.65.0.0/16`; a host is printed without its length. */
export function parseMember(line: string): SetMember | undefined {
  const [, set, text] = /^add (\S+) (\S+)$/.exec(line) ?? []
  const prefix = text === undefined ? undefined : parseCidr(text)?.prefix
  return set === undefined || !prefix ? undefined : { set, prefix, because: 'found in the kernel' }
}

export function isOwnSet(name: string): boolean {
  return OURS.test(name)
}

/** Any of calico-node's sets, as `ipset list -n` tells them: those that its policy looks into, too. */
export function calicoSets(names: string): string[] {
  return names.split('\n').filter((name) => /^cali[46][0t]/.test(name))
}

export class IpSets implements Kind<KernelSet> {
  readonly name = 'sets'
  readonly #ipset: Program
  readonly #orphans: Set<string>

  /** `orphans`: names of sets that are to be taken for ours until they are gone. */
  constructor(ipset: Program, orphans = new Set<string>()) {
    this.#ipset = ipset
    this.#orphans = orphans
  }

  key({ name }: KernelSet): string {
    return name
  }

  same(a: KernelSet, b: KernelSet): boolean {
    return a.family === b.family && a.maxElements === b.maxElements && a.type === b.type
  }

  async read(): Promise<readonly KernelSet[]> {
    return parsed(await saveOurs(this.#ipset, this.#orphans), parseSet)
  }

  async put(sets: readonly KernelSet[]): Promise<readonly Refused[]> {
    const refused: Refused[] = []
    for (const set of sets) {
      const words = await attempt(this.#ipset, [createLine(set.name, set)])
      const reason = words?.includes('already exists') ? await this.#exchange(set) : words
      if (reason !== undefined) refused.push(this.#refused(set, reason))
    }
    return refused
  }

  async remove(sets: readonly KernelSet[]): Promise<readonly Refused[]> {
    const refused: Refused[] = []
    for (const set of sets) {
      const reason = await attempt(this.#ipset, [`destroy ${set.name}`])
      if (reason !== undefined && !saysNoSet(reason)) refused.push(this.#refused(set, reason))
      else this.#orphans.delete(set.name)
    }
    return refused
  }

  /** Puts another set of the same content in its place, which no rule that names it notices. */
  async #exchange(set: KernelSet): Promise<string | undefined> {
    const other = `${set.name}-new`
    const members = parsed(await save(this.#ipset, set.name), parseMember)
    return attempt(this.#ipset, [
      createLine(other, set),
      `flush ${other}`,
      ...members.map(({ prefix }) => `add ${other} ${prefix}`),
      `swap ${other} ${set.name}`,
      `destroy ${other}`,
    ])
  }

  /** A set stays in use for a moment after its last rule: the kernel takes rules apart when it has time. */
  #refused({ name }: KernelSet, reason: string): Refused {
    const transient = reason.includes('in use by a kernel component')
    return { key: name, reason: cureFor('ipset', reason), transient }
  }
}

export class SetMembers implements Kind<SetMember> {
  readonly name = 'set members'
  readonly key = memberKey
  readonly #ipset: Program

  constructor(ipset: Program) {
    this.#ipset = ipset
  }

  same(a: SetMember, b: SetMember): boolean {
    return a.set === b.set && a.prefix === b.prefix
  }

  async read(): Promise<readonly SetMember[]> {
    return parsed(await saveOurs(this.#ipset, new Set()), parseMember)
  }

  async put(members: readonly SetMember[]): Promise<readonly Refused[]> {
    return this.#write('add', members)
  }

  async remove(members: readonly SetMember[]): Promise<readonly Refused[]> {
    const refused = await this.#write('del', members)
    return refused.filter(({ reason }) => !saysNoSet(reason))
  }

  /** All in one process; a refused line stops it, so that one is set aside and the others are tried again. */
  async #write(verb: 'add' | 'del', members: readonly SetMember[]): Promise<Refused[]> {
    const refused: Refused[] = []
    const left = [...members]
    while (left.length > 0) {
      const lines = left.map(({ set, prefix }) => `${verb} ${set} ${prefix}`)
      const reason = await attempt(this.#ipset, lines)
      if (reason === undefined) break
      const [, number] = /Error in line (\d+):/.exec(reason) ?? []
      const culprits = number === undefined ? left.splice(0) : left.splice(Number(number) - 1, 1)
      for (const member of culprits) {
        refused.push({ key: this.key(member), reason: cureFor('ipset', reason), transient: false })
      }
    }
    return refused
  }
}

function createLine(name: string, { family, maxElements }: IpSet): string {
  return `create ${name} ${TYPE} family ${family === 'ipv4' ? 'inet' : 'inet6'} maxelem ${maxElements}`
}

/** Undefined when all is done, else why not. What is there already, or gone already, is as good as done. */
async function attempt(ipset: Program, lines: readonly string[]): Promise<string | undefined> {
  return ipset.feed(`${lines.join('\n')}\n`, '-exist', 'restore').then(
    () => undefined,
    (error: CommandError) => error.stderr.trim(),
  )
}

/** Ours by name. Others may have very many, with very many members: those are not read. */
async function saveOurs(ipset: Program, orphans: ReadonlySet<string>): Promise<string> {
  const names = (await ipset.text('list', '-n').catch(() => '')).split('\n')
  const texts = await Promise.all(
    names.filter((name) => isOwnSet(name) || orphans.has(name)).map((name) => save(ipset, name)),
  )
  return texts.join('\n')
}

async function save(ipset: Program, name: string): Promise<string> {
  return ipset.text('save', name).catch(() => '')
}

function parsed<T>(text: string, parse: (line: string) => T | undefined): T[] {
  return text
    .split('\n')
    .map(parse)
    .filter((item) => item !== undefined)
}

function saysNoSet(words: string): boolean {
  return /set with the given name does not exist/.test(words)
}
