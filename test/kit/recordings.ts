// What Calico's own programs wrote into a real etcd, read from test/recordings.

import { readdirSync, readFileSync } from 'node:fs'

export interface RecordedKey {
  readonly key: string
  readonly value: string
  readonly mod_revision: number
}

const folder = new URL('../recordings/etcd/', import.meta.url)

export const recordings: readonly { readonly name: string; readonly kvs: readonly RecordedKey[] }[] =
  readdirSync(folder)
    .sort()
    .map((name) => ({ name, kvs: JSON.parse(readFileSync(new URL(name, folder), 'utf8')).kvs }))

/** The keys and values of every recording. */
export function recordedKeys(): RecordedKey[] {
  return recordings.flatMap(({ kvs }) => kvs)
}
