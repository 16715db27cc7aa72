// A host and a datastore for start-up: interfaces by a line each, and Calico's keys and values in memory.

import { documentFromEtcd, etcdFromDocument, etcdKey, prefixesOf } from '../../src/cluster/etcd-keys.ts'
import { type Datastore, type Document, type ResourceKind, StoreError } from '../../src/cluster/feed.ts'
import { resolveSettings } from '../../src/config/resolve.ts'
import { type Address, parseAddress } from '../../src/inet/address.ts'
import { parseCidr } from '../../src/inet/prefix.ts'
import type { Host, Interface } from '../../src/startup/host.ts'

/** `2 eth0 172.20.0.11/24 fd20::11/64` */
export function interfaces(...lines: readonly string[]): Interface[] {
  return lines.map((line) => {
    const [index, name = '', ...addresses] = line.split(' ')
    return { index: Number(index), name, addresses: addresses.map((text) => parseCidr(text)!) }
  })
}

/** `towards`: our end of a path to anywhere. */
export function host(list: readonly Interface[], towards?: string): Host {
  const ours = towards === undefined ? undefined : parseAddress(towards)
  const of = (family: 'ipv4' | 'ipv6'): Address | undefined =>
    ours?.includes(':') === (family === 'ipv6') ? ours : undefined
  return { interfaces: list, towards: { ipv4: of('ipv4'), ipv6: of('ipv6') }, ipv6: true }
}

export function settingsOf(environment: Readonly<Record<string, string>>) {
  return resolveSettings({
    environment: { NODENAME: 'node-a', ETCD_ENDPOINTS: 'http://etcd:2379', ...environment },
    hostname: 'host',
  })
}

/** Any number of random bytes, always the same. */
export function sameBytes(count: number): Uint8Array {
  return Uint8Array.from({ length: count }, (_, at) => at + 1)
}

export interface MemoryStore extends Pick<Datastore, 'get' | 'list' | 'create' | 'update'> {
  /** Keys and values, as etcd has them. */
  readonly rows: Map<string, { readonly value: string; readonly revision: number }>
  /** Writes so far: `create Node/node-a`, in order. */
  readonly writes: string[]
  /** Puts a document without asking, as another node would. */
  put(document: Document): void
  /** Called before each write takes place: time for somebody else to be faster. */
  before: (document: Document) => void
  /** Thrown by every call while it is set. */
  failure: StoreError | undefined
}

export function memoryStore(
  kvs: readonly { readonly key: string; readonly value: string }[] = [],
): MemoryStore {
  let revision = 0
  const rows: MemoryStore['rows'] = new Map()
  for (const { key, value } of kvs) rows.set(key, { value, revision: ++revision })

  const read = (key: string): Document | undefined => {
    const row = rows.get(key)
    return row && documentFromEtcd(key, row.value, String(row.revision))
  }
  const put = (document: Document): Document => {
    const { key, value } = etcdFromDocument(document)
    rows.set(key, { value, revision: ++revision })
    return read(key)!
  }
  const guard = (): void => {
    if (store.failure) throw store.failure
  }
  const write = (
    verb: string,
    document: Document,
    refusal: (there: Document | undefined) => StoreError['reason'] | false,
  ) => {
    guard()
    store.before(document)
    const id = `${document.kind}/${document.metadata.name}`
    const reason = refusal(read(etcdKey(document.kind, document.metadata.name)))
    if (reason) throw new StoreError(reason, `${id}: ${reason}`)
    store.writes.push(`${verb} ${id}`)
    return put(document)
  }

  const store: MemoryStore = {
    rows,
    writes: [],
    before: () => {},
    failure: undefined,
    put: (document) => void put(document),
    async get(kind, name) {
      guard()
      return read(etcdKey(kind, name))
    },
    async list(kind: ResourceKind) {
      guard()
      const [prefix] = prefixesOf(kind)
      return [...rows.keys()].filter((key) => key.startsWith(prefix!)).map((key) => read(key)!)
    },
    create: async (document) => write('create', document, (there) => there !== undefined && 'exists'),
    update: async (document) =>
      write('update', document, (there) => {
        if (!there) return 'not-found'
        return there.metadata.resourceVersion !== document.metadata.resourceVersion && 'conflict'
      }),
  }
  return store
}
