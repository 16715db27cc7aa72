// The datastores by their DATASTORE_TYPE. All of them pass test/kit/datastore/contract.ts.

import type { Datastore } from '../../cluster/feed.ts'
import { SettingError } from '../../config/error.ts'
import { etcdDatastore } from './etcd/index.ts'
import { fileDatastore } from './file/index.ts'
import type { Client } from './kubernetes/client.ts'
import type { KubernetesSettings } from './kubernetes/config.ts'
import { feedTiming } from './kubernetes/feed.ts'
import { kubernetesDatastore } from './kubernetes/index.ts'

export type DatastoreType = 'file' | 'etcdv3' | 'kubernetes'

/** Where the cluster's data is. Which fields count depends on `type`; the names in comments are Calico's variables. */
export interface DatastoreSettings extends KubernetesSettings {
  /** DATASTORE_TYPE. */
  readonly type: DatastoreType
  /** CALICO_DATASTORE_PATH: the directory of type `file`. */
  readonly path?: string | undefined
  /** ETCD_ENDPOINTS: `http://` or `https://` URLs of type `etcdv3`. TLS is by scheme. */
  readonly endpoints?: readonly string[] | undefined
  /** ETCD_CA_CERT_FILE, ETCD_CERT_FILE, ETCD_KEY_FILE: PEM files, read again on every reconnect. */
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
  /** ETCD_USERNAME, ETCD_PASSWORD: only both together are used. */
  readonly username?: string | undefined
  readonly password?: string | undefined
}

/** What each type needs is loaded when it is used, not before: see etcd/client.ts. */
const datastores: Record<DatastoreType, (settings: DatastoreSettings, client?: Client) => Datastore> = {
  file: ({ path }) => fileDatastore(required('CALICO_DATASTORE_PATH', path)),
  etcdv3: (settings) =>
    etcdDatastore({ ...settings, endpoints: required('ETCD_ENDPOINTS', settings.endpoints) }),
  kubernetes: (settings, client) => kubernetesDatastore(settings, feedTiming, client),
}

/**
 * Opens a datastore. Nothing is contacted before the first call. With a `client` of the Kubernetes API that one is used,
 * which whoever has made it closes.
 * @throws SettingError when a setting it needs is missing
 */
export function openDatastore(settings: DatastoreSettings, client?: Client): Datastore {
  return datastores[settings.type](settings, client)
}

function required<T extends { length: number }>(variable: string, value: T | undefined): T {
  if (!value?.length) throw new SettingError(variable, 'not set, and this DATASTORE_TYPE needs it')
  return value
}
