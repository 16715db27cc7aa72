import t from 'tap'
import {
  asn,
  detectionMethod,
  goDuration,
  nodeAddress,
  poolCidr,
  unlessFalse,
} from '../../src/config/startup-types.ts'
import type { SettingType } from '../../src/config/types.ts'

function takes<T>(
  name: string,
  type: SettingType<T>,
  right: Record<string, unknown>,
  wrong: readonly string[],
) {
  t.test(`${name} takes what is right and refuses the rest`, async (t) => {
    for (const [text, shown] of Object.entries(right)) {
      const value = type.parse(text)!
      t.same(type.show ? type.show(value) : value, shown, text)
    }
    for (const text of wrong) t.equal(type.parse(text), undefined, text)
  })
}

takes(
  'IP',
  nodeAddress('ipv4'),
  { autodetect: 'autodetect', none: 'none', '10.0.0.1': '10.0.0.1', '10.0.0.1/24': '10.0.0.1/24' },
  ['fd20::11', '10.0.0.1/33', '10.0.0.256', 'Autodetect', 'eth0'],
)
takes('IP6', nodeAddress('ipv6'), { 'fd20:0::11/64': 'fd20::11/64', 'fd20::11': 'fd20::11' }, ['10.0.0.1'])
takes('CALICO_IPV4POOL_CIDR', poolCidr('ipv4'), { '10.1.2.3/16': '10.1.0.0/16', none: 'none' }, [
  '10.0.0.0',
  'fd66::/48',
  'all',
])
takes('CALICO_IPV6POOL_CIDR', poolCidr('ipv6'), { 'FD66:0::/48': 'fd66::/48' }, ['10.0.0.0/16'])
takes('AS', asn, { 64512: 64512, '1.10': 65546 }, ['0', '4294967296', 'AS64512'])
takes('a flag of a pool', unlessFalse, { false: false, NO: false, f: false, 0: false, on: true, x: true }, [])
takes('a Go duration', goDuration, { '60s': '1m0s', '1.5h': '1h30m0s' }, ['60', '0s', '-1s', 'soon'])
takes(
  'IP_AUTODETECTION_METHOD',
  detectionMethod,
  Object.fromEntries(
    [
      'first-found',
      'can-reach=8.8.8.8',
      'can-reach=gateway.example',
      'interface=eth.*,^ens3$',
      'skip-interface=docker , wg',
      'cidr=10.0.0.0/8,fd20::/64',
      'kubernetes-internal-ip',
    ].map((text) => [text, text]),
  ),
  [
    'firstfound',
    'first-found=eth0',
    'can-reach=',
    'interface=',
    'interface=eth0,',
    'interface=(',
    'cidr=10.0.0.0',
  ],
)
