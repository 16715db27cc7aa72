// Lists, page by page.

import type { Fields } from '../../../cluster/shape.ts'
import { ApiError, type Client } from './client.ts'

/** Objects in one answer: small enough that reading one does not hold up anything else. */
const PAGE = 250

export interface Listed {
  readonly items: readonly Fields[]
  readonly resourceVersion: string
}

/** Every object of a collection, page by page, all at the revision of the first. */
export async function* readPages(
  client: Client,
  path: string,
  query: Readonly<Record<string, string | undefined>> = {},
  signal?: AbortSignal,
): AsyncGenerator<Listed> {
  let token: string | undefined
  do {
    const page = { ...query, limit: String(PAGE), continue: token }
    const { items, metadata } = (await client.call(path, { query: page, ...(signal && { signal }) })) as {
      items?: Fields[]
      metadata?: { continue?: string; resourceVersion?: string }
    }
    const resourceVersion = metadata?.resourceVersion ?? ''
    if (!resourceVersion && items?.length) throw new ApiError(200, 'a list came without a revision')
    yield { items: items ?? [], resourceVersion }
    token = metadata?.continue || undefined
  } while (token)
}
