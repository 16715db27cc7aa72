// Services and EndpointSlices as a real API server writes them.

import { readFileSync } from 'node:fs'
import t from 'tap'
import type { KubernetesKind } from '../../../src/cluster/feed.ts'
import { serviceDocument } from '../../../src/cluster/kubernetes/services.ts'
import type { Resource } from '../../../src/cluster/model.ts'
import { parseDocument } from '../../../src/cluster/resources/index.ts'
import type { Fields } from '../../../src/cluster/shape.ts'
import { service } from '../../kit/documents.ts'

const recording = new URL('../../recordings/kube-apiserver/services.json', import.meta.url)
const { exchanges } = JSON.parse(readFileSync(recording, 'utf8')) as {
  exchanges: readonly { readonly response: { readonly body: string } }[]
}

const meta = { metadata: { name: 'www', namespace: 'web', resourceVersion: '7' } }

function read(kind: KubernetesKind, raw: Fields): Resource {
  const parsed = parseDocument(serviceDocument(kind, raw))
  if ('resource' in parsed) return parsed.resource
  throw new Error(JSON.stringify(parsed.problems))
}

t.test('what a real API server says of services and their endpoints', async (t) => {
  const [services, slices] = exchanges.map(({ response }) => JSON.parse(response.body).items as Fields[])
  t.match(
    services!.map((raw) => read('Service', raw)),
    [
      { name: 'kubernetes', type: 'ClusterIP', clusterIps: ['10.96.0.1'], externalTrafficPolicy: 'Cluster' },
      {
        namespace: 'web',
        type: 'LoadBalancer',
        externalIps: ['203.0.113.7'],
        families: ['ipv4'],
        externalTrafficPolicy: 'Local',
      },
    ],
  )
  t.same(
    slices!.map((raw) => read('EndpointSlice', raw)),
    [
      {
        kind: 'EndpointSlice',
        name: 'www-abcde',
        namespace: 'web',
        service: 'www',
        family: 'ipv4',
        endpoints: [{ addresses: ['10.244.0.5'], node: 'node-a', ready: true }],
      },
    ],
  )
})

t.test('a service of both families, before 1.20 and after', async (t) => {
  const spec = { clusterIPs: ['10.96.0.9', 'fd96:0::9'], ipFamilies: ['IPv4', 'IPv6'] }
  t.match(read('Service', { ...meta, spec }), {
    clusterIps: ['10.96.0.9', 'fd96::9'],
    families: ['ipv4', 'ipv6'],
  })
  t.match(read('Service', { ...meta, spec: { clusterIP: '10.96.0.9' } }), { clusterIps: ['10.96.0.9'] })
})

t.test(
  'headless services, external names, and load balancers that have names, have no address',
  async (t) => {
    t.same(
      (read('Service', { ...meta, spec: { clusterIP: 'None' } }) as { clusterIps: unknown }).clusterIps,
      [],
    )
    t.match(read('Service', { ...meta, spec: { type: 'ExternalName', clusterIP: '' } }), { clusterIps: [] })
    const status = { loadBalancer: { ingress: [{ hostname: 'lb.example' }, { ip: '198.51.100.7' }] } }
    t.match(read('Service', { ...meta, spec: {}, status }), { loadBalancerIps: ['198.51.100.7'] })
  },
)

t.test('a slice of names, and one of no service', async (t) => {
  const endpoints = [{ addresses: ['www.example'], conditions: null }]
  t.match(read('EndpointSlice', { ...meta, addressType: 'FQDN', endpoints }), {
    service: undefined,
    family: undefined,
    endpoints: [{ addresses: [], node: undefined, ready: true }],
  })
  t.match(read('EndpointSlice', { ...meta, addressType: 'IPv4', endpoints: null }), { endpoints: [] })
})

t.test('what makes no sense is said by field', async (t) => {
  t.match(parseDocument(service('web/www', { externalTrafficPolicy: 'local' })), {
    problems: [{ subject: 'Service/web/www', field: 'spec.externalTrafficPolicy' }],
  })
})
