// What the tests of the etcdv3 datastore share: Calico's keys on a real server.

import { etcdFromDocument } from '../../../src/cluster/etcd-keys.ts'
import type { Document } from '../../../src/cluster/feed.ts'
import type { EtcdServer } from '../etcd.ts'
import { type RecordingSink, recordingSink } from '../sink.ts'

export const USER = { username: 'caracal', password: 'let-me-in' }

/** Writes an object with etcdctl, or another value in its place. */
export async function put(server: EtcdServer, document: Document, value?: string): Promise<void> {
  const stored = etcdFromDocument(document)
  await server.ctl('put', stored.key, '--', value ?? String(stored.value))
}

/** Deletes an object with etcdctl. */
export async function remove(server: EtcdServer, document: Document): Promise<void> {
  await server.ctl('del', etcdFromDocument(document).key)
}

/** Throws away the history up to now. */
export async function compact(server: EtcdServer): Promise<void> {
  const [{ Status }] = JSON.parse(await server.ctl('endpoint', 'status', '-w', 'json'))
  await server.ctl('compact', String(Status.header.revision))
}

/** Has a datastore watched until it is in sync. */
export async function insync(datastore: { watch(sink: RecordingSink): void }): Promise<RecordingSink> {
  const sink = recordingSink()
  datastore.watch(sink)
  await sink.until('in sync', () => sink.log.includes('in sync'))
  return sink
}
