import t from 'tap'
import { detectionMethod } from '../../src/config/startup-types.ts'
import type { Family } from '../../src/inet/address.ts'
import { parseCidr } from '../../src/inet/prefix.ts'
import { detect } from '../../src/startup/detect.ts'
import { spelt } from '../../src/startup/host.ts'
import { kubernetesFacts } from '../../src/startup/kubernetes.ts'
import { host, interfaces } from '../kit/startup.ts'

const usual = interfaces(
  '1 lo 127.0.0.1/8 ::1/128',
  '2 eth0 172.20.0.11/24 172.20.0.111/24 fe80::1/64 fd20::11/64',
  '3 eth1 10.9.0.11/16 fe80::2/64 2001:db8::11/64',
  '4 docker0 172.17.0.1/16',
  '5 tunl0 10.244.1.1/32',
  '6 vxlan.calico 10.244.1.0/32',
  '7 cali0 169.254.0.9/32 fe80::ecee:eeff:feee:eeee/64',
)

function finds(
  method: string,
  expected: string | RegExp,
  { list = usual, towards }: { list?: typeof usual; towards?: string } = {},
  family: Family = 'ipv4',
) {
  t.test(
    `${method} in ${family} among ${list.map(({ name }) => name).join(', ')}: ${expected}`,
    async (t) => {
      const answer = detect(detectionMethod.parse(method)!, family, host(list, towards))
      if (typeof expected === 'string')
        t.equal('found' in answer ? spelt(answer.found) : answer.none, expected)
      else t.match('none' in answer ? answer.none : spelt(answer.found), expected)
    },
  )
}

// The highest index goes first, whatever the order in which interfaces are listed; addresses in kernel order.
finds('first-found', '10.9.0.11/16')
finds('first-found', '10.9.0.11/16', { list: usual.toReversed() })
finds('first-found', '2001:db8::11/64', {}, 'ipv6')
finds('first-found', /no such IPv4 address on any interface/, {
  list: interfaces('1 lo 10.0.0.1/32', '2 docker0 10.0.0.2/24'),
})
finds(
  'first-found',
  /no such IPv6 address on eth1, eth0/,
  { list: interfaces('2 eth0 fe80::1/64', '3 eth1') },
  'ipv6',
)
// `^lo` has no end: a name that only begins so is passed over as well.
finds('first-found', '10.0.0.2/24', { list: interfaces('2 eth0 10.0.0.2/24', '3 lonely 10.0.0.3/24') })

// Named interfaces are taken in spite of the list of those to skip; the match is partial.
finds('interface=eth0', '172.20.0.11/24')
finds('interface=docker0', '172.17.0.1/16')
finds('interface=eth', '10.9.0.11/16')
finds('interface=wlan0,^eth0$', '172.20.0.11/24')
finds('interface=eth1', '10.0.0.10/24', { list: interfaces('2 eth1 10.0.0.1/24', '9 veth10 10.0.0.10/24') })
finds('interface=eth9', /on any interface/)
finds('interface=lo', /no such IPv4 address on lo/)

finds('skip-interface=eth1', '172.20.0.11/24')
finds('skip-interface=eth', /on any interface/)
finds('skip-interface=nothing', '10.9.0.11/16')

// Any interface, whatever its name.
finds('cidr=172.20.0.0/16', '172.20.0.11/24')
finds('cidr=172.20.0.96/27', '172.20.0.111/24')
finds('cidr=172.17.0.0/16,172.20.0.0/16', '172.17.0.1/16')
finds('cidr=fd00::/8', 'fd20::11/64', {}, 'ipv6')
finds('cidr=192.0.2.0/24', /no such IPv4 address/)

finds('can-reach=192.0.2.1', '172.20.0.111/24', { towards: '172.20.0.111' })
finds('can-reach=192.0.2.1', /no IPv4 path to 192.0.2.1/)
finds('can-reach=192.0.2.1', /leave with 192.0.2.9, which no interface holds/, { towards: '192.0.2.9' })
finds('can-reach=fd20::1', 'fd20::11/64', { towards: 'fd20::11' }, 'ipv6')

finds('kubernetes-internal-ip', /needs the Kubernetes API/)

t.test('kubernetes-internal-ip takes what kubelet says, if an interface holds it', async (t) => {
  const method = detectionMethod.parse('kubernetes-internal-ip')!
  const of = (internal: string | undefined) =>
    detect(method, 'ipv4', {
      ...host(interfaces('2 eth0 172.20.0.11/24')),
      kubernetes: kubernetesFacts({
        node: { status: { addresses: internal ? [{ type: 'InternalIP', address: internal }] : [] } },
        kubeadm: undefined,
        rancher: undefined,
      }),
    })
  t.same(of('172.20.0.11'), { found: parseCidr('172.20.0.11/24') })
  t.same(of('172.20.0.99'), { none: 'no interface holds the InternalIP 172.20.0.99' })
  t.same(of(undefined), { none: 'the Kubernetes Node has no IPv4 InternalIP' })
})

t.test('what is no address of a host among others is not suitable', async (t) => {
  const method = detectionMethod.parse('interface=eth0')!
  for (const text of ['0.0.0.0/0', '127.0.0.2/8', '169.254.1.1/16', '224.0.0.1/4', '255.255.255.255/32']) {
    t.ok('none' in detect(method, 'ipv4', host(interfaces(`2 eth0 ${text}`))), text)
  }
  for (const text of ['::/128', '::1/128', 'fe80::1/64', 'ff02::1/16']) {
    t.ok('none' in detect(method, 'ipv6', host(interfaces(`2 eth0 ${text}`))), text)
  }
  for (const text of ['10.0.0.1/32', '100.64.0.1/10', '192.168.0.1/16']) {
    t.ok('found' in detect(method, 'ipv4', host(interfaces(`2 eth0 ${text}`))), text)
  }
})
