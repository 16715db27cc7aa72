import t from 'tap'
import { defaultPools } from '../../src/startup/pools.ts'
import { pool } from '../kit/documents.ts'
import { host, interfaces, sameBytes, settingsOf } from '../kit/startup.ts'

const machine = host(interfaces('2 eth0 172.20.0.11/24'))

function pools(
  environment: Record<string, string> = {},
  present: Parameters<typeof defaultPools>[1] = [],
  on = machine,
) {
  const { values, problems } = settingsOf(environment)
  if (problems.length > 0) throw new Error(JSON.stringify(problems))
  const made = defaultPools(values, present, on, sameBytes)
  return Object.fromEntries(
    made.map(({ metadata, spec }) => [metadata.name, spec as Record<string, unknown>]),
  )
}

t.test('an empty cluster gets a pool of each family, with the defaults of calico-node', async (t) => {
  const common = { nodeSelector: 'all()', allowedUses: ['Workload', 'Tunnel'], assignmentMode: 'Automatic' }
  const never = { ipipMode: 'Never', vxlanMode: 'Never' }
  t.same(pools(), {
    'default-ipv4-ippool': { cidr: '192.168.0.0/16', blockSize: 26, natOutgoing: true, ...never, ...common },
    'default-ipv6-ippool': { cidr: 'fd01:203:405::/48', blockSize: 122, ...never, ...common },
  })
})

t.test('every variable has its field', async (t) => {
  t.match(
    pools({
      CALICO_IPV4POOL_CIDR: '10.1.2.3/16',
      CALICO_IPV4POOL_BLOCK_SIZE: '24',
      CALICO_IPV4POOL_IPIP: 'cross-subnet',
      CALICO_IPV4POOL_NAT_OUTGOING: 'No',
      CALICO_IPV4POOL_NODE_SELECTOR: "rack == 'r1'",
      CALICO_IPV4POOL_DISABLE_BGP_EXPORT: 'true',
      CALICO_IPV6POOL_CIDR: 'fd66::/48',
      CALICO_IPV6POOL_BLOCK_SIZE: '120',
      CALICO_IPV6POOL_VXLAN: 'always',
      CALICO_IPV6POOL_NAT_OUTGOING: 'yes',
      CALICO_IPV6POOL_NODE_SELECTOR: 'has(v6)',
      CALICO_IPV6POOL_DISABLE_BGP_EXPORT: '1',
    }),
    {
      'default-ipv4-ippool': {
        cidr: '10.1.0.0/16',
        blockSize: 24,
        ipipMode: 'CrossSubnet',
        vxlanMode: 'Never',
        natOutgoing: undefined,
        nodeSelector: "rack == 'r1'",
        disableBGPExport: true,
      },
      'default-ipv6-ippool': {
        cidr: 'fd66::/48',
        blockSize: 120,
        vxlanMode: 'Always',
        natOutgoing: true,
        nodeSelector: 'has(v6)',
        disableBGPExport: true,
      },
    },
  )
  t.match(pools({ CALICO_IPV4POOL_VXLAN: 'CrossSubnet', CALICO_IPV4POOL_IPIP: 'Off' }), {
    'default-ipv4-ippool': { ipipMode: 'Never', vxlanMode: 'CrossSubnet' },
  })
})

t.test('a pool is made where its family has none and nobody forbids it', async (t) => {
  const made = (...args: Parameters<typeof pools>) => Object.keys(pools(...args))
  const [v4, v6] = ['default-ipv4-ippool', 'default-ipv6-ippool']
  t.same(made({}, [pool('mine', '10.0.0.0/16')]), [v6])
  t.same(made({}, [pool('mine', 'fd66::/48')]), [v4])
  t.same(made({}, [pool('mine', '10.0.0.0/16', { disabled: true }), pool('other', 'fd66::/48')]), [])
  t.same(made({}, [pool('broken', 'nonsense')]), [v4, v6], 'what cannot be read is no pool')
  t.same(made({ NO_DEFAULT_POOLS: 'True' }), [])
  t.same(made({ CALICO_IPV4POOL_CIDR: 'none' }), [v6])
  t.same(made({ CALICO_IPV6POOL_CIDR: 'none' }), [v4])
  t.same(made({ FELIX_IPV6SUPPORT: 'false' }), [v4])
  t.same(made({}, [], { ...machine, ipv6: false }), [v4])
})

t.test('the default range is one that holds no address of the host', async (t) => {
  const cidr = (...addresses: string[]) =>
    pools({}, [], host(interfaces(`2 eth0 ${addresses.join(' ')}`)))['default-ipv4-ippool']?.cidr
  t.equal(cidr('10.0.0.1/8'), '192.168.0.0/16')
  t.equal(cidr('192.168.7.1/24'), '172.16.0.0/16')
  t.equal(cidr('192.168.7.1/24', '172.16.0.1/16', '172.18.0.1/16'), '172.17.0.0/16')
  const all = Array.from({ length: 16 }, (_, i) => `172.${16 + i}.0.1/16`)
  t.equal(cidr('192.168.7.1/24', ...all), '192.168.0.0/16')
})

t.test('variables that are wrong together are named, with what would be right', async (t) => {
  const refused = (environment: Record<string, string>, message: RegExp) =>
    t.throws(() => pools(environment), { name: 'StartupError', message })
  refused(
    { CALICO_IPV4POOL_IPIP: 'Always', CALICO_IPV4POOL_VXLAN: 'Always' },
    /^CALICO_IPV4POOL_IPIP: is set beside CALICO_IPV4POOL_VXLAN; one of the two must be Never$/,
  )
  refused(
    { CALICO_IPV4POOL_CIDR: '10.0.0.0/28' },
    /^CALICO_IPV4POOL_CIDR: is smaller than one block; make it wider, or CALICO_IPV4POOL_BLOCK_SIZE longer$/,
  )
  refused({ CALICO_IPV6POOL_CIDR: 'fe80::/64' }, /^CALICO_IPV6POOL_CIDR: is link-local/)
  refused({ CALICO_IPV4POOL_NODE_SELECTOR: 'rack ==' }, /^CALICO_IPV4POOL_NODE_SELECTOR: /)
  t.doesNotThrow(() =>
    pools({ CALICO_IPV4POOL_IPIP: 'Always', CALICO_IPV4POOL_VXLAN: 'Always' }, [pool('mine', '10.0.0.0/16')]),
  )
})
