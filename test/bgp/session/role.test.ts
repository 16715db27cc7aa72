import t from 'tap'
import { counterpart, isRoleMismatch, roleNumber } from '../../../src/bgp/session/role.ts'
import type { PeerConfig, RoleName } from '../../../src/bgp/types.ts'
import type { Open } from '../../../src/bgp/wire/message.ts'

const ROLES: readonly RoleName[] = ['provider', 'rs', 'rs-client', 'customer', 'peer']

function mismatch(ours: RoleName | undefined, theirs: readonly number[], strict = false): boolean {
  const open = { capabilities: theirs.map((role) => ({ code: 'role', role })) } as unknown as Open
  return isRoleMismatch(open, { ...(ours && { role: { name: ours, strict } }) } as PeerConfig)
}

t.test('of all pairs of roles these are right (RFC 9234 §4.2)', async (t) => {
  const pairs = ROLES.flatMap((ours) =>
    ROLES.filter((theirs) => !mismatch(ours, [roleNumber(theirs)])).map((theirs) => `${ours} ${theirs}`),
  )
  t.same(pairs, ['provider customer', 'rs rs-client', 'rs-client rs', 'customer provider', 'peer peer'])
  for (const role of ROLES) t.equal(counterpart(counterpart(role)), role)
})

t.test('a peer that says nothing is believed, unless it has to say something', async (t) => {
  t.same([mismatch('customer', []), mismatch('customer', [], true)], [false, true])
})

t.test('one that says it twice says it once; one that says two things is refused', async (t) => {
  t.same([mismatch('customer', [0, 0]), mismatch('customer', [0, 4])], [false, true])
  t.ok(mismatch('customer', [77]))
})

t.test('without a role of ours nothing is asked', async (t) => {
  t.notOk(mismatch(undefined, [0, 4]))
})
