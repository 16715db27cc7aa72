// watcher.ts URL: the program of `a bare watcher`. Each pod that etcd tells of gets a route, whosever it is.

import { Etcd3 } from 'etcd3'
import { prefixesOf } from '../src/cluster/etcd-keys.ts'
import { rangeOf } from '../src/edge/datastore/etcd/range.ts'
import type { KernelRoute } from '../src/edge/kernel/kernel-route.ts'
import { rtnetlinkRoutes } from '../src/edge/kernel/rtnetlink/routes.ts'

const [, , url] = process.argv
const table = rtnetlinkRoutes()
const routes = new Map<string, KernelRoute>()
const stream = await new Etcd3({ hosts: [url!] }).watchClient.watch()

stream.on('data', ({ events }) => {
  for (const { type, kv } of events) {
    const key = String(kv.key)
    if (String(type).toUpperCase() === 'DELETE') void table.remove([routes.get(key)!])
    else {
      const route = routeOf(String(kv.value))
      routes.set(key, route)
      void table.replace([route])
    }
  }
})
for (const prefix of prefixesOf('WorkloadEndpoint')) stream.write({ create_request: rangeOf(prefix) })

function routeOf(endpoint: string): KernelRoute {
  const { ipNetworks, interfaceName } = JSON.parse(endpoint).spec
  return {
    prefix: ipNetworks[0],
    type: 'unicast',
    protocol: 'bird',
    device: interfaceName,
    scope: 'link',
    because: 'etcd says so',
  }
}
