import t from 'tap'
import { Rib, type RibPeer } from '../../../src/bgp/rib/rib.ts'
import type { PathAttributes } from '../../../src/bgp/wire/message.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { announcing, attributes, peer, router, sequence } from '../../kit/rib.ts'

const MARK = 0xffff0000
const GOING = { gracefulShutdown: true } as const
const learned = prefix('10.1.0.0/26')
const own = prefix('10.2.0.0/26')
const fromTor = { asPath: sequence(65000) }

/** A node with these peers; `told` is what it last told each of them. */
function node(...peers: RibPeer[]) {
  const rib = new Rib({ advertise: () => [] })
  for (const one of peers) rib.addPeer(one)
  rib.originate([{ prefix: own, localPref: 100, because: 'block' }], [])
  const heard = new Map<string, PathAttributes>()
  const told = ({ name }: RibPeer, what = own): PathAttributes | undefined => {
    for (const { to, announce } of rib.takeOutbound(100))
      for (const name of to)
        for (const { prefix } of announce?.nlri ?? []) heard.set(`${name} ${prefix}`, announce!.attributes)
    return heard.get(`${name} ${what}`)
  }
  return { rib, told, used: () => rib.best(learned)?.attributes }
}

t.test('a path that another AS marks is used last, whatever a filter made of it', async (t) => {
  const set = [{ kind: 'set-local-pref', value: 900 }] as const
  const rules = { ipv4: [{ because: 'high', accept: true, conditions: [], operations: set }], ipv6: [] }
  const nothing = { ipv4: [], ipv6: [] }
  const tor = router(3, { filters: { import: rules, export: nothing } })
  const { rib, used } = node(tor)
  rib.receive(tor.name, announcing([learned], { ...fromTor, communities: [MARK] }))
  t.equal(used()?.localPref, 0)
  rib.receive(tor.name, announcing([learned], fromTor))
  t.equal(used()?.localPref, 900)
})

t.test('inside an AS LOCAL_PREF has said it, and the mark changes nothing', async (t) => {
  const other = peer(2)
  const { rib, used } = node(other)
  rib.receive(other.name, announcing([learned], { localPref: 7, communities: [MARK] }))
  t.equal(used()?.localPref, 7)
})

t.test(
  'a session about to end: what goes over it is marked, both ways, at once and back again',
  async (t) => {
    const [tor, mesh] = [router(3), peer(2)]
    const { rib, told, used } = node(tor, mesh)
    rib.receive(tor.name, announcing([learned], fromTor))
    t.same([used()?.localPref, told(tor)?.communities, told(mesh)?.localPref], [100, undefined, 100])
    rib.changePeer({ ...tor, ...GOING })
    t.match(used(), { localPref: 0, communities: [MARK] }, 'what it says')
    t.match(told(mesh, learned), { localPref: 0, communities: [MARK] }, 'as others of our AS hear it')
    t.match(told(tor), { communities: [MARK] })
    t.equal(told(tor)?.localPref, undefined)
    t.equal(told(mesh)?.communities, undefined, 'to the others all is as before')
    rib.changePeer(tor)
    t.same([used()?.localPref, told(tor)?.communities], [100, undefined])
  },
)

t.test('towards our own AS LOCAL_PREF says it too; what a reflector passes on is left alone', async (t) => {
  const reflector = { clusterId: peer(1).routerId, client: true }
  const [one, two] = [peer(2, { ...GOING, reflector }), peer(3, { ...GOING, reflector })]
  const { rib, told } = node(one, two)
  rib.receive(one.name, announcing([learned], attributes({ localPref: 7 })))
  t.match(told(two), { localPref: 0, communities: [MARK] })
  t.equal(told(two, learned)?.localPref, 7)
})
