import t from 'tap'
import { bgpStatus } from '../../../src/edge/control/status.ts'
import { address } from '../../../src/inet/address.ts'

const node = {
  addresses: { ipv4: address('10.0.0.1') },
  port: 179,
  asn: 64512,
  routerId: address('10.0.0.1'),
  bind: undefined,
}

t.test('who cannot listen for another program has the port says so, and what to do', async (t) => {
  const at = { family: 'ipv4', port: 1790, listening: false } as const
  const why = (error: string | undefined) =>
    bgpStatus(node, 'bird', [{ ...at, error }], { refused: {}, dropped: {} }, []).listening.ipv4
  t.same(why('Address already in use'), {
    reason:
      'Address already in use: another program has port 1790, perhaps a BIRD: stop it, or set listenPort',
    intended: false,
  })
  t.same(why('Permission denied'), { reason: 'Permission denied', intended: false })
  t.same(why(undefined), { reason: 'not yet', intended: false })
})
