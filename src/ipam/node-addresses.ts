// The fields of a Node that hold tunnel addresses: reading one, and writing them without touching anything else.

import type { Document } from '../cluster/feed.ts'
import { isRace } from '../cluster/races.ts'
import type { Address } from '../inet/address.ts'
import type { Ipam } from './ipam.ts'
import type { Tunnel } from './tunnels.ts'

/** An address that is another one now. */
export interface AddressChange {
  readonly tunnel: Tunnel
  readonly before: string | undefined
  readonly after: Address | undefined
}

type Fields = Readonly<Record<string, unknown>>

/** What the Node says about a tunnel, be it an address or not. */
export function addressIn({ spec }: Document, { field }: Tunnel): string | undefined {
  const value = field.reduce<unknown>((part, name) => (part as Fields | undefined)?.[name], spec)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** Others write the same Node: what is newer is taken as it is, unless it is about one of these addresses. */
export async function writeAddresses(
  { store }: Pick<Ipam, 'store'>,
  document: Document,
  changes: readonly AddressChange[],
): Promise<void> {
  try {
    await store.update(changes.reduce((node, { tunnel, after }) => withField(node, tunnel, after), document))
  } catch (error) {
    const newer = isRace(error) ? await store.get('Node', document.metadata.name) : undefined
    if (!newer || changes.some(({ tunnel, before }) => addressIn(newer, tunnel) !== before)) throw error
    await writeAddresses({ store }, newer, changes)
  }
}

/** Calico refuses a Node whose `spec.bgp` says nothing, so the last field takes it along. */
function withField(document: Document, { field }: Tunnel, value: string | undefined): Document {
  return { ...document, spec: set((document.spec ?? {}) as Fields, field, value) }
}

function set(fields: Fields, [name, ...rest]: readonly string[], value: string | undefined): Fields {
  const { [name!]: old, ...others } = fields
  if (rest.length === 0) return value === undefined ? others : { ...fields, [name!]: value }
  const inner = set((old ?? {}) as Fields, rest, value)
  return Object.keys(inner).length === 0 ? others : { ...fields, [name!]: inner }
}
