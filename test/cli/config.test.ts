import t from 'tap'
import { config, configText } from '../../src/cli/config.ts'
import { resolveSettings } from '../../src/config/resolve.ts'
import { golden } from './golden.ts'

/** One of each kind: from every source, a list, a duration, a secret, nothing at all. */
const SHOWN = new Set([
  'NODENAME',
  'CALICO_NETWORKING_BACKEND',
  'ETCD_ENDPOINTS',
  'ETCD_PASSWORD',
  'interfacePrefix',
  'ipv6Support',
  'deviceRouteSourceAddress',
  'routeRefreshInterval',
])

t.test('every setting with its value and where that came from, then what is wrong', async (t) => {
  const { sources, ...rest } = resolveSettings({
    environment: {
      NODENAME: 'node-a',
      ETCD_ENDPOINTS: 'https://etcd-1:2379,https://etcd-2:2379',
      ETCD_USERNAME: 'calico',
      ETCD_PASSWORD: 'hunter2',
      FELIX_IPV6SUPPORT: 'ture',
      FELIX_INTERFACEPREFX: 'tap',
      FELIX_BPFENABLED: 'true',
    },
    hostname: 'host-a',
    felixConfigurations: [
      { name: 'default', values: { ipv6Support: false, routeRefreshInterval: '2m' } },
      { name: 'node.node-a', values: { interfacePrefix: 'cali,tap' } },
    ],
  })
  const shown = sources.filter(({ name }) => SHOWN.has(name))
  const answer = { settings: shown, ...rest }
  golden(t, 'config', configText(answer))
  t.equal(config.good(answer), false)
  t.equal(config.good({ ...answer, problems: [] }), true)
})
