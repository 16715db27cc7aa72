import t from 'tap'
import { exportedOtc, importedOtc, isLeak, wouldLeak } from '../../../src/bgp/rib/only-to-customer.ts'
import type { RoleName } from '../../../src/bgp/types.ts'
import { LOCAL, router } from '../../kit/rib.ts'

const ROLES: readonly RoleName[] = ['provider', 'rs', 'rs-client', 'customer', 'peer']

/** The peers to which we are these. */
const as = (role: RoleName) => router(3, { role })

t.test('what came from above or beside is marked with where it came from', async (t) => {
  const kept = (onlyToCustomer?: number) =>
    Object.fromEntries(
      ROLES.map((role) => [
        role,
        importedOtc(onlyToCustomer === undefined ? {} : { onlyToCustomer }, as(role)),
      ]),
    )
  t.same(kept(), { provider: undefined, rs: undefined, 'rs-client': 65000, customer: 65000, peer: 65000 })
  t.same(new Set(Object.values(kept(7))), new Set([7]), 'a mark stays as it is')
  t.equal(importedOtc({}, router(3)), undefined)
})

t.test('a marked route from below leaks, and one from beside that others marked', async (t) => {
  const leaks = (onlyToCustomer: number) => ROLES.filter((role) => isLeak({ onlyToCustomer }, as(role)))
  t.same(leaks(7), ['provider', 'rs', 'peer'])
  t.same(leaks(65000), ['provider', 'rs'])
  t.same([isLeak({}, as('provider')), isLeak({ onlyToCustomer: 7 }, router(3))], [false, false])
})

t.test('a marked route goes down only', async (t) => {
  t.same(
    ROLES.filter((role) => wouldLeak({ onlyToCustomer: 7 }, as(role))),
    ['rs-client', 'customer', 'peer'],
  )
  t.same([wouldLeak({}, as('customer')), wouldLeak({ onlyToCustomer: 7 }, router(3))], [false, false])
})

t.test('on its way down or sideways it is marked by us, unless it is already', async (t) => {
  const told = (given?: number) =>
    Object.fromEntries(ROLES.map((role) => [role, exportedOtc(given, as(role))]))
  const ours = LOCAL.asn
  t.same(told(), { provider: ours, rs: ours, 'rs-client': undefined, customer: undefined, peer: ours })
  t.same(new Set(Object.values(told(7))), new Set([7]))
})
