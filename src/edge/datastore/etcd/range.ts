// Reading etcd: all keys under prefixes, as they were at one revision.

import type { Etcd3, IKeyValue, IRangeRequest, IResponseHeader } from 'etcd3'

/** Keys in one answer: small enough that decoding one does not hold up anything else. */
const PAGE = 500

/** The key range of a prefix, in etcd's terms: up to the prefix with its last byte one higher. */
export function rangeOf(prefix: string): { key: Buffer; range_end: Buffer } {
  const end = Buffer.from(prefix)
  end[end.length - 1]! += 1
  return { key: Buffer.from(prefix), range_end: end }
}

export interface Page {
  readonly kvs: readonly IKeyValue[]
  /** That of the first answer: all pages of a reading show its revision. */
  readonly header: IResponseHeader
}

/** Every key under the prefixes, page by page, all at the revision that the first answer was given at. */
export async function* readAll(client: Etcd3, prefixes: readonly string[]): AsyncGenerator<Page> {
  let first: IResponseHeader | undefined
  for (const prefix of prefixes) {
    const range = rangeOf(prefix)
    for (let key: Buffer | undefined = range.key; key; ) {
      const request: IRangeRequest = {
        key,
        range_end: range.range_end,
        limit: PAGE,
        ...(first ? { revision: first.revision } : {}),
      }
      const { kvs, more, header } = await client.kv.range(request)
      first ??= header
      yield { kvs, header: first }
      key = more ? Buffer.concat([kvs.at(-1)!.key, Buffer.from([0])]) : undefined
    }
  }
}
