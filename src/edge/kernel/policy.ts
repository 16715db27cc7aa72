// Policy that calico-node left behind: chains which nobody brings up to date, and which drop the packets of new pods.
//
// Whether that is what somebody wants is not for a routing agent to say: it is told in status, the node is not ready, and
// only who has said so beforehand (CARACAL_REMOVE_POLICY_CHAINS) is rid of it. Once there is none nobody looks again.

import { FAMILIES } from '../../inet/address.ts'
import type { Kind, Refused } from '../../reconcile/kind.ts'
import { cureFor } from './cures.ts'
import { iptables } from './iptables-backend.ts'
import type { Backend } from './iptables-text.ts'
import { type PolicyTable, parseNftTables, parsePolicy, removePolicyText, whereOf } from './policy-text.ts'
import type { CommandError, OpenProgram } from './run.ts'

export interface PolicyOptions {
  readonly open: OpenProgram
  /** Looked at anew whenever it counts. */
  readonly settings: { readonly removePolicyChains: boolean }
  /** Another answer of `left`. */
  onChange(left: readonly string[]): void
}

const backends: readonly Backend[] = ['nft', 'legacy']

export class Policy implements Kind<PolicyTable> {
  readonly name = 'policy'
  readonly key = whereOf
  readonly #options: PolicyOptions
  /** Undefined until it was looked for. */
  #found: readonly PolicyTable[] | undefined

  constructor(options: PolicyOptions) {
    this.#options = options
  }

  /** Where it is, for people; undefined until it was looked for. */
  get left(): readonly string[] | undefined {
    return this.#found?.map(whereOf)
  }

  same(): boolean {
    return false // nobody wants any
  }

  /** What may be removed. */
  async read(): Promise<readonly PolicyTable[]> {
    if (this.#found?.length !== 0) this.#note(await this.#find())
    return this.#options.settings.removePolicyChains ? (this.#found ?? []) : []
  }

  async put(): Promise<readonly Refused[]> {
    return []
  }

  async remove(tables: readonly PolicyTable[]): Promise<readonly Refused[]> {
    const refused: Refused[] = []
    for (const table of tables) {
      const reason = await this.#remove(table)
      if (reason !== undefined) refused.push({ key: whereOf(table), reason, transient: false })
    }
    const kept = new Set(refused.map(({ key }) => key))
    const gone = new Set(tables.map(whereOf).filter((where) => !kept.has(where)))
    this.#note((this.#found ?? []).filter((table) => !gone.has(whereOf(table))))
    return refused
  }

  #note(found: readonly PolicyTable[]): void {
    const before = this.left
    this.#found = found
    if (`${before}` !== `${this.left}` || before === undefined) this.#options.onChange(found.map(whereOf))
  }

  /** Without naming tables, which would load their modules. */
  async #find(): Promise<readonly PolicyTable[]> {
    const { open } = this.#options
    const each = FAMILIES.flatMap((family) => backends.map((backend) => ({ family, backend })))
    const found = each.map(async ({ family, backend }) => {
      const save = open(iptables(family, backend, 'save'))
      return parsePolicy(await save.text().catch(() => ''), family, backend)
    })
    const nft = open('nft')
      .text('list', 'tables')
      .then(parseNftTables, () => [])
    return (await Promise.all([...found, nft])).flat().sort((a, b) => whereOf(a).localeCompare(whereOf(b)))
  }

  /** Undefined when it is done, else why not. */
  async #remove(table: PolicyTable): Promise<string | undefined> {
    const { open } = this.#options
    if (table.program === 'nft')
      return reasonOf('nft', open('nft').text('delete', 'table', ...table.table.split(' ')))
    const name = iptables(table.family, table.backend, 'restore')
    return reasonOf(name, open(name).feed(removePolicyText(table), '--noflush', '--wait', '10'))
  }
}

function reasonOf(program: string, work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (error: CommandError) => cureFor(program, error.stderr),
  )
}
