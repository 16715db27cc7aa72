// What no single row of the table can see: settings that contradict each other, and names that are no settings.

import { felixParameters } from './felix-parameters.ts'
import { type Environment, type Setting, type Settings, settings } from './settings.ts'
import { nodeName, type SettingProblem } from './types.ts'

/** Values that are right one by one and wrong together. */
const together: readonly {
  readonly subject: string
  readonly message: string
  readonly broken: (of: Settings) => boolean
}[] = [
  {
    subject: 'NODENAME',
    message: `the host's name will not do: expected ${nodeName.expected}`,
    broken: ({ nodename }) => nodeName.parse(nodename) === undefined,
  },
  {
    subject: 'ETCD_ENDPOINTS',
    message: 'expected to be set, since the datastore is etcdv3',
    broken: ({ datastoreType, etcdEndpoints }) => datastoreType === 'etcdv3' && etcdEndpoints.length === 0,
  },
  {
    subject: 'ETCD_CERT_FILE',
    message: 'expected ETCD_CERT_FILE and ETCD_KEY_FILE to be set both, or neither',
    broken: ({ etcdCertFile, etcdKeyFile }) => (etcdCertFile === undefined) !== (etcdKeyFile === undefined),
  },
  {
    subject: 'ETCD_USERNAME',
    message: 'expected ETCD_USERNAME and ETCD_PASSWORD to be set both, or neither',
    broken: ({ etcdUsername, etcdPassword }) => (etcdUsername === undefined) !== (etcdPassword === undefined),
  },
  {
    subject: 'NO_DEFAULT_POOLS',
    message: 'expected false, or no CALICO_IPV4POOL_CIDR and no CALICO_IPV6POOL_CIDR beside it',
    broken: ({ noDefaultPools, ipv4PoolCidr, ipv6PoolCidr }) =>
      noDefaultPools && (ipv4PoolCidr ?? ipv6PoolCidr) !== undefined,
  },
]

/** What is wrong between settings. */
export function inconsistent(values: Settings): readonly SettingProblem[] {
  return together.filter(({ broken }) => broken(values)).map(({ subject, message }) => ({ subject, message }))
}

/** Variables that begin as settings do and that no row reads; `unused` are those that Felix would. */
export function unread(environment: Environment): {
  readonly unknown: readonly string[]
  readonly unused: readonly string[]
} {
  const read = new Set(Object.values<Setting<unknown>>(settings).flatMap((setting) => setting.environment))
  const names = Object.keys(environment).filter((name) => /^(FELIX|CARACAL)_/.test(name) && !read.has(name))
  const isFelix = (name: string) => felixParameters.has(name.slice('FELIX_'.length))
  return {
    unknown: names.filter((name) => !isFelix(name)).sort(),
    unused: names.filter(isFelix).sort(),
  }
}
