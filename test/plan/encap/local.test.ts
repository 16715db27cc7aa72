import t from 'tap'
import { type Device, type Local, podMtu } from '../../../src/plan/encap/local.ts'
import type { TunnelName } from '../../../src/plan/wanted.ts'

t.test('pods get what fits through every tunnel in use, or what the host has', async (t) => {
  const mtu = (mtus: Partial<Record<TunnelName, number>>) => {
    const device = (name: TunnelName): Device => {
      const mtu = mtus[name]
      if (mtu === undefined) return { declined: 'no pool needs it' }
      return { tunnel: { name, mtu, checksumOffload: true, because: 'a pool' }, unsupported: false }
    }
    const devices: Local['devices'] = {
      tunl0: device('tunl0'),
      'vxlan.calico': device('vxlan.calico'),
      'vxlan-v6.calico': device('vxlan-v6.calico'),
    }
    const end = { address: undefined, subnet: undefined, parent: { declined: 'none' } }
    return podMtu({
      devices,
      hostMtu: 1500,
      ends: { ipv4: end, ipv6: end },
      programClusterRoutes: 'Disabled',
    })
  }
  t.equal(mtu({}), 1500)
  t.equal(mtu({ tunl0: 1480 }), 1480)
  t.equal(mtu({ tunl0: 1480, 'vxlan.calico': 1450, 'vxlan-v6.calico': 1430 }), 1430)
  t.equal(mtu({ tunl0: 9000 }), 9000, 'one that was set too large by hand is reported elsewhere')
})
