import t from 'tap'
import { resolveSettings, type SettingSources } from '../../src/config/resolve.ts'

const bare: SettingSources = { environment: { NODENAME: 'node-a' }, hostname: 'host-a' }

function resolve(environment: SettingSources['environment'], ...felix: [string, Record<string, unknown>][]) {
  return resolveSettings({
    environment: { ...bare.environment, ...environment },
    hostname: bare.hostname,
    felixConfigurations: felix.map(([name, values]) => ({ name, values })),
  })
}

const source = (resolved: ReturnType<typeof resolve>, name: string) =>
  resolved.sources.find((view) => view.name === name)

t.test('with nothing set the values are the defaults of Calico v3.33', async (t) => {
  const { values, problems, unknown } = resolve({})
  t.match(values, {
    nodename: 'node-a',
    networkingBackend: 'bird',
    datastoreType: 'kubernetes',
    interfacePrefix: ['cali'],
    ipv6Support: true,
    ipForwarding: 'Enabled',
    deviceRouteProtocol: 3,
    removeExternalRoutes: true,
    routeSyncDisabled: false,
    routeRefreshIntervalMs: 90_000,
    logLevel: 'info',
    socket: '/var/run/calico/caracal.sock',
    stateDir: '/var/lib/calico',
  })
  t.same(problems, [])
  t.same(unknown, [])
})

t.test(
  'environment beats node, node beats selector, selector beats default, default beats built-in',
  async (t) => {
    const felix: [string, Record<string, unknown>][] = [
      ['default', { deviceRouteProtocol: 81 }],
      ['rack-1', { deviceRouteProtocol: 82 }],
      ['node.node-a', { deviceRouteProtocol: 83 }],
    ]
    const expected = [3, 81, 82, 83, 84]
    for (const [rank, value] of expected.entries()) {
      const environment = rank === 4 ? { FELIX_DEVICEROUTEPROTOCOL: '84' } : {}
      const configurations = felix.slice(0, rank)
      t.equal(resolve(environment, ...configurations).values.deviceRouteProtocol, value)
      t.equal(
        resolve(environment, ...configurations.reverse()).values.deviceRouteProtocol,
        value,
        'any order',
      )
    }
  },
)

t.test('the configuration of another node does not count', async (t) => {
  t.equal(resolve({}, ['node.node-b', { ipv6Support: false }]).values.ipv6Support, true)
})

t.test('of two configurations that select the node the older counts, and the other is named', async (t) => {
  const { values, problems } = resolveSettings({
    ...bare,
    felixConfigurations: [
      { name: 'a', created: '2026-02-01T00:00:00Z', values: { ipv6Support: true } },
      { name: 'b', created: '2026-01-01T00:00:00Z', values: { ipv6Support: false } },
    ],
  })
  t.equal(values.ipv6Support, false)
  t.match(problems, [{ subject: 'FelixConfiguration/a', field: 'spec.nodeSelector', message: /older.*\/b/ }])
})

t.test('a wrong value is named with what would be right, and the next source is used', async (t) => {
  const resolved = resolve({ FELIX_IPV6SUPPORT: 'ture', FELIX_ROUTEREFRESHINTERVAL: '90s' }, [
    'default',
    { ipv6Support: false, routeRefreshInterval: '10', interfacePrefix: 7 },
  ])
  t.match(resolved.values, { ipv6Support: false, routeRefreshIntervalMs: 90_000, interfacePrefix: ['cali'] })
  t.same(
    resolved.problems.map((p) => `${p.subject} ${p.field ?? ''}: ${p.message}`),
    [
      'FelixConfiguration/default spec.interfacePrefix: expected a comma-separated list of beginnings of interface names, each of 1 to 15 letters, digits, - or _, got 7',
      'FELIX_IPV6SUPPORT : expected true or false, got "ture"',
      'FELIX_ROUTEREFRESHINTERVAL : expected a number of seconds, 0 or more, got "90s"',
      'FelixConfiguration/default spec.routeRefreshInterval: expected a duration such as 90s or 1m30s, got "10"',
    ],
  )
  t.match(source(resolved, 'ipv6Support'), {
    value: false,
    source: 'FelixConfiguration/default spec.ipv6Support',
    problem: 'FELIX_IPV6SUPPORT: expected true or false, got "ture"',
  })
})

t.test('`none` is the zero value, where Felix allows it', async (t) => {
  const { values, problems } = resolve(
    { FELIX_ROUTEREFRESHINTERVAL: 'none', FELIX_IPV6SUPPORT: 'None', FELIX_INTERFACEPREFIX: 'none' },
    ['default', { logSeverityScreen: 'None', deviceRouteSourceAddress: 'none' }],
  )
  t.match(values, { routeRefreshIntervalMs: 0, ipv6Support: false, logLevel: 'silent' })
  t.equal(values.deviceRouteSourceAddress, undefined)
  t.same(values.interfacePrefix, ['cali'], 'no prefix at all would make every interface a workload')
  t.match(problems, [{ subject: 'FELIX_INTERFACEPREFIX', message: /got "none"/ }])
})

t.test('an empty variable is an unset one, and FELIX_ names count in any case', async (t) => {
  const { values, problems } = resolve({ FELIX_IPV6SUPPORT: ' ', felix_DeviceRouteProtocol: '80' })
  t.match(values, { ipv6Support: true, deviceRouteProtocol: 80 })
  t.same(problems, [])
})

t.test('the datastore is the one that is named, or else implied', async (t) => {
  const cases: [SettingSources['environment'], string][] = [
    [{}, 'kubernetes'],
    [{ ETCD_ENDPOINTS: 'http://e:2379' }, 'etcdv3'],
    [{ CALICO_DATASTORE_PATH: '/d', ETCD_ENDPOINTS: 'http://e:2379' }, 'file'],
    [{ DATASTORE_TYPE: 'kubernetes', CALICO_DATASTORE_PATH: '/d' }, 'kubernetes'],
    [{ DATASTORE_TYPE: 'file', CALICO_DATASTORE_TYPE: 'kubernetes' }, 'kubernetes'],
  ]
  for (const [environment, type] of cases) t.equal(resolve(environment).values.datastoreType, type)
  t.equal(
    source(resolve({ CALICO_DATASTORE_PATH: '/d' }), 'DATASTORE_TYPE')?.source,
    'implied by CALICO_DATASTORE_PATH',
  )
})

t.test('CALICO_NETWORKING=false is the old spelling of backend none', async (t) => {
  t.equal(resolve({ CALICO_NETWORKING: 'false' }).values.networkingBackend, 'none')
  t.equal(
    resolve({ CALICO_NETWORKING: 'false', CALICO_NETWORKING_BACKEND: 'vxlan' }).values.networkingBackend,
    'vxlan',
  )
})

t.test('without NODENAME the host names the node, in lower case', async (t) => {
  t.equal(resolveSettings({ environment: {}, hostname: 'Host-B\n' }).values.nodename, 'host-b')
  t.match(resolveSettings({ environment: {}, hostname: 'my_host' }).problems, [{ subject: 'NODENAME' }])
})

t.test('before the host it is what an earlier start wrote down, then HOSTNAME', async (t) => {
  const environment = { HOSTNAME: 'Pod-C' }
  const named = (recordedNodename?: string) =>
    resolveSettings({ environment, hostname: 'host-b', recordedNodename }).values.nodename
  t.equal(named(), 'pod-c')
  t.equal(named('node-a'), 'node-a')
})

t.test('settings that contradict each other are named', async (t) => {
  const { problems } = resolve({
    DATASTORE_TYPE: 'etcdv3',
    ETCD_CERT_FILE: '/c',
    ETCD_USERNAME: 'u',
    NO_DEFAULT_POOLS: 'true',
    CALICO_IPV4POOL_CIDR: '10.244.0.0/16',
  })
  t.same(
    problems.map(({ subject }) => subject),
    ['ETCD_ENDPOINTS', 'ETCD_CERT_FILE', 'ETCD_USERNAME', 'NO_DEFAULT_POOLS'],
  )
})

t.test('misspelt variables are told apart from those without effect here', async (t) => {
  const { unknown, unused } = resolve({
    FELIX_INTERFACEPREFX: 'cali',
    CARACAL_SOKET: '/x',
    FELIX_DEFAULTENDPOINTTOHOSTACTION: 'ACCEPT',
    FELIX_IPV6SUPPORT: 'false',
    PATH: '/bin',
  })
  t.same(unknown, ['CARACAL_SOKET', 'FELIX_INTERFACEPREFX'])
  t.same(unused, ['FELIX_DEFAULTENDPOINTTOHOSTACTION'])
})

t.test('no secret leaves', async (t) => {
  const resolved = resolve({
    ETCD_USERNAME: 'u',
    ETCD_PASSWORD: 'hunter2',
    ETCD_ENDPOINTS: 'https://u:hunter2@e:2379',
  })
  t.equal(resolved.values.etcdPassword, 'hunter2')
  t.notMatch(JSON.stringify([resolved.sources, resolved.problems]), /hunter2/)
  t.match(resolved.problems, [{ subject: 'ETCD_ENDPOINTS', message: /https:\/\/…@e:2379/ }])
})
