import t from 'tap'
import { Admission } from '../../../src/edge/peers/admission.ts'
import { LIMITS } from '../../../src/edge/peers/limits.ts'
import { type Address, address } from '../../../src/inet/address.ts'

const [peer, other, stranger] = ['10.0.0.2', '10.0.0.3', '192.0.2.66'].map(address) as [
  Address,
  Address,
  Address,
]
const limits = { ...LIMITS, acceptedPerAddress: 3, acceptsPerSecond: { perAddress: 2, overall: 3 } }
const admission = () => new Admission((of) => of !== stranger, limits)

t.test('strangers are refused, and take no peer its place', async (t) => {
  const doors = admission()
  for (let i = 0; i < 1000; i++) t.notOk(doors.enter(stranger, 0))
  t.ok(doors.enter(peer, 0))
  t.equal(doors.refused['not a peer'], 1000)
})

t.test('one address gets so many connections in a second, and all of them so many', async (t) => {
  const doors = admission()
  t.same(
    [peer, peer, peer, other, other].map((from) => doors.enter(from, 500)),
    [true, true, false, true, false],
  )
  t.equal(doors.refused['too many connections in a second'], 2)
  t.ok(doors.enter(peer, 1600), 'the next second is a new one')
})

t.test('one address gets so many connections at a time, until one is given back', async (t) => {
  const doors = admission()
  for (const second of [1, 2, 3]) t.ok(doors.enter(peer, second * 1000))
  t.notOk(doors.enter(peer, 4000))
  t.ok(doors.enter(other, 4000))
  t.equal(doors.refused['too many connections'], 1)
  doors.leave(peer)
  t.ok(doors.enter(peer, 5000))
})
