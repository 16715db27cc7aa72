import t from 'tap'
import { hostLocalAddresses } from '../../../netns-lab/cluster/host-local.ts'
import { prefix } from '../../../src/inet/prefix.ts'

const taken = (...addresses: string[]) => [{ addresses }]

t.test('one address of each range, the first that is free after the gateway', async (t) => {
  const ranges = [prefix('10.244.1.0/24'), prefix('fd44::/80')]
  t.same(hostLocalAddresses(ranges, []), ['10.244.1.2', 'fd44::2'])
  t.same(hostLocalAddresses(ranges, taken('10.244.1.2', 'fd44::3')), ['10.244.1.3', 'fd44::2'])
})

t.test('a range that is full says so', async (t) => {
  t.throws(() => hostLocalAddresses([prefix('10.244.1.0/30')], taken('10.244.1.2', '10.244.1.3')), {
    message: '10.244.1.0/30 has no free address',
  })
})
