// Protected sessions with a real BIRD 2, over real links: TCP-MD5, GTSM, also across a router, and what is said of each
// way to fail. One row is one pair of addresses; all of them are tried at the same time.

import { readFileSync } from 'node:fs'
import t from 'tap'
import type { Action, SpeakerEvent } from '../../../src/bgp/events.ts'
import { Speaker } from '../../../src/bgp/speaker.ts'
import type { PeerConfig, PeerView } from '../../../src/bgp/types.ts'
import { createLog } from '../../../src/edge/observe/log.ts'
import { Runner } from '../../../src/edge/peers/runner.ts'
import { type Address, address, type Family, familyOf, scoped } from '../../../src/inet/address.ts'
import { prefix } from '../../../src/inet/prefix.ts'
import { enter, forwardPackets, namespaces, startBird } from '../../kit/bird.ts'
import { needsRoot } from '../../kit/needs-root.ts'
import { until } from '../../kit/until.ts'

interface Row {
  readonly promise: string
  /** What we ask for, beyond the addresses. */
  readonly us: Partial<PeerConfig>
  /** What BIRD is told; null: it does not know us. */
  readonly bird: string | null
  /** The family of its routes, if it is not that of its address. */
  readonly carries?: Family
  /**
   * BIRD is on our link, or behind a router; or its answers get lost; or the kernel chooses where we are; or nobody is there;
   * or a BIRD on our own node has a session with it.
   */
  readonly where?: 'link' | 'link6' | 'behind' | 'lost' | 'anywhere' | 'local' | 'nowhere' | 'taken'
  /** State, last error and advice, as status tells them. */
  readonly becomes: RegExp
}

const password = { name: 'bgp', key: 'right', version: 1 }
const wrong = { name: 'bgp', key: 'wrong', version: 1 }
const PASSWORDS: Record<string, string> = { right: 's3cret', wrong: 's3cret\n' }
const signed = 'password "s3cret"'
const gtsm = 'ttl security on'

const UP = /^Established/
const SILENT = /Connection timed out.*nobody answers at/

const rows: readonly Row[] = [
  { promise: 'an address that the kernel chooses', us: {}, bird: 'passive', where: 'anywhere', becomes: UP },
  { promise: 'a link-local peer', us: { zone: 'eth0' }, bird: 'passive', where: 'local', becomes: UP },
  { promise: 'a password on both sides, we dial', us: { password }, bird: `${signed}; passive`, becomes: UP },
  { promise: 'and the peer dials', us: { password, passive: true }, bird: signed, becomes: UP },
  {
    promise: 'the same over IPv6',
    us: { password },
    bird: `${signed}; passive`,
    where: 'link6',
    becomes: UP,
  },
  { promise: 'and', us: { password, passive: true }, bird: signed, where: 'link6', becomes: UP },
  {
    promise: 'a last newline is part of the password',
    us: { password: wrong },
    bird: `${signed}; passive`,
    becomes: /timed out.*with a password: whether both sides have the same/,
  },
  {
    promise: 'whoever dials',
    us: { password: wrong, passive: true },
    bird: signed,
    becomes: /^Passive.*look there/,
  },
  {
    promise: 'another password on their side',
    us: { password },
    bird: 'password "th1rd"; passive',
    becomes: /timed out.*with a password: whether both sides have the same/,
  },
  { promise: 'a password on our side only', us: { password }, bird: 'passive', becomes: SILENT },
  { promise: 'whoever dials', us: { password, passive: true }, bird: '', becomes: /^Passive/ },
  {
    promise: 'a password on the other side only',
    us: {},
    bird: `${signed}; passive`,
    becomes: /timed out.*whether the peer asks for a password/,
  },
  { promise: 'whoever dials', us: { passive: true }, bird: signed, becomes: /^Passive/ },
  {
    promise: 'a password that is not known',
    us: { password: { ...password, key: 'no' } },
    bird: '',
    becomes: /bgp\/no cannot be had/,
  },
  { promise: 'TTL security on both sides', us: { ttlSecurity: 1 }, bird: `${gtsm}; passive`, becomes: UP },
  { promise: 'and the peer dials', us: { ttlSecurity: 1, passive: true }, bird: gtsm, becomes: UP },
  {
    promise: 'the same over IPv6',
    us: { ttlSecurity: 1 },
    bird: `${gtsm}; passive`,
    where: 'link6',
    becomes: UP,
  },
  { promise: 'and', us: { ttlSecurity: 1, passive: true }, bird: gtsm, where: 'link6', becomes: UP },
  { promise: 'with a password', us: { ttlSecurity: 1, password }, bird: `${gtsm}; ${signed}`, becomes: UP },
  {
    promise: 'TTL security on our side only',
    us: { ttlSecurity: 1 },
    bird: 'passive',
    becomes: /^Open(Sent|Confirm).*at most 1 hop away and has ttlSecurity too/,
  },
  {
    promise: 'whoever dials',
    us: { ttlSecurity: 1, passive: true },
    bird: '',
    becomes: /^Open(Sent|Confirm).*at most 1 hop away and has ttlSecurity too/,
  },
  {
    promise: 'TTL security on the other side only',
    us: {},
    bird: `${gtsm}; passive`,
    becomes: /^Open(Sent|Confirm).*if the peer demands a TTL of 255.*set ttlSecurity/,
  },
  {
    promise: 'as many hops as allowed',
    us: { ttlSecurity: 2 },
    bird: 'multihop 2; ttl security on',
    where: 'behind',
    becomes: UP,
  },
  {
    promise: 'one hop too many',
    us: { ttlSecurity: 1 },
    bird: 'multihop 2; ttl security on; passive',
    where: 'behind',
    becomes: SILENT,
  },
  {
    promise: 'whoever dials',
    us: { ttlSecurity: 1, passive: true },
    bird: 'multihop 2; ttl security on',
    where: 'behind',
    becomes: /^OpenSent|^OpenConfirm|^Passive/,
  },
  {
    promise: 'a source address that is not ours',
    us: { localAddress: address('10.7.9.9') },
    bird: 'passive',
    becomes: /Cannot assign.*no interface has 10\.7\.9\.9/,
  },
  {
    promise: 'nothing that listens',
    us: { port: 1 },
    bird: 'passive',
    becomes: /refused.*nothing listens at \S+ port 1: /,
  },
  {
    promise: 'packets that get lost',
    us: {},
    bird: 'passive',
    where: 'lost',
    becomes: /timed out.*check address, route and firewalls/,
  },
  {
    promise: 'a peer that does not know us',
    us: {},
    bird: null,
    becomes: /closed|reset.*has \S+ as a neighbor/,
  },
  {
    promise: 'an address that nobody has',
    us: {},
    bird: null,
    where: 'nowhere',
    becomes: /No route to host.*nobody on the link answers for 10\.7\.1\.\d+/,
  },
  {
    promise: 'a peer that has a session with another speaker of this node',
    us: {},
    bird: 'passive; graceful restart off',
    where: 'taken',
    becomes: /(closed|reset).*that no other speaker here is connected to it|already: stop the other speaker/,
  },
  {
    promise: 'a peer that does not speak our family',
    us: {},
    bird: 'passive',
    carries: 'ipv6',
    becomes: /Required capability missing.*does not speak ipv4 on this session/,
  },
  {
    promise: 'another AS than expected',
    us: { peerAsn: 65009 },
    bird: 'passive',
    becomes: /Bad peer AS.*in AS 65002, and 65009 was configured/,
  },
  {
    promise: 'another AS of ours than expected',
    us: { localAsn: 64513 },
    bird: 'passive',
    becomes: /Received: Bad peer AS.*does not expect AS 64513/,
  },
]

/** Does in a tenth of the time what a speaker waits for, and counts the connections that each peer was tried with. */
class HastySpeaker extends Speaker {
  readonly #attempts = new Map<string, number>()
  /** How many it took until something was wrong, and said. */
  readonly firstSaid = new Map<string, number>()

  override step(event: SpeakerEvent, now: number): Action[] {
    if (event.kind === 'accepted') this.#count(event.remote)
    const actions = super.step(event, now)
    for (const action of actions)
      if (action.kind === 'dial') this.#count(scoped(action.to.address, action.to.zone))
    this.#look()
    return actions.map((action) => (action.kind === 'arm' ? { ...action, ms: action.ms / 10 } : action))
  }

  #count(peer: string): void {
    this.#attempts.set(peer, (this.#attempts.get(peer) ?? 0) + 1)
  }

  #look(): void {
    for (const view of this.peers()) {
      const becomes = pairs.find(({ theirs }) => theirs === view.address)?.becomes
      if (!this.firstSaid.has(view.name) && becomes?.test(tell(view)))
        this.firstSaid.set(view.name, this.#attempts.get(view.name) ?? 0)
    }
  }
}

/** By where a peer is: our address and its, of the row with this number, and the length of their prefix. */
const ADDRESSES: Readonly<Record<NonNullable<Row['where']>, (i: number) => [string, string, number]>> = {
  link: (i) => [`10.7.1.${10 + i}`, `10.7.1.${110 + i}`, 24],
  link6: (i) => [`fd07:1::${10 + i}`, `fd07:1::${110 + i}`, 64],
  behind: (i) => [`10.7.1.${10 + i}`, `10.7.2.${110 + i}`, 24],
  lost: (i) => [`10.7.1.${10 + i}`, `10.7.1.${110 + i}`, 24],
  anywhere: () => ['10.7.1.10', '10.7.1.110', 24], // the first row, whose address is the kernel's choice
  local: () => ['fe80::a', 'fe80::b', 64],
  nowhere: (i) => [`10.7.1.${10 + i}`, `10.7.1.${110 + i}`, 24],
  taken: (i) => [`10.7.1.${10 + i}`, `10.7.1.${110 + i}`, 24],
}

/** Each row with the addresses of both ends. */
const pairs = rows.map((row, i) => {
  const [ours, theirs, length] = ADDRESSES[row.where ?? 'link'](i)
  return { ...row, ours: address(ours), theirs: address(theirs), length }
})
type Pair = (typeof pairs)[number]

const behind = pairs.filter(({ where }) => where === 'behind')
const onLink = pairs.filter(({ where }) => where !== 'behind' && where !== 'nowhere')
const taken = pairs.filter(({ where }) => where === 'taken')
const lost = pairs.filter(({ where }) => where === 'lost')

t.test('with BIRD 2', needsRoot, async (t) => {
  const net = namespaces(t, {
    near: [
      'link add eth0 type veth peer name eth0 netns bird',
      'link set eth0 addrgenmode none up',
      ...pairs.map(
        ({ ours, length }) => `addr add ${ours}/${length} dev eth0${ours.includes(':') ? ' nodad' : ''}`,
      ),
      'route add 10.7.2.0/24 via 10.7.1.2',
      'ntable change name arp_cache dev eth0 retrans 50', // in haste, too
    ],
    bird: [
      'link set eth0 addrgenmode none up',
      'addr add 10.7.1.2/24 dev eth0',
      'link add eth1 type veth peer name eth0 netns behind',
      'link set eth1 up',
      'addr add 10.7.2.1/24 dev eth1',
      ...onLink.map(
        ({ theirs, length }) =>
          `addr add ${theirs}/${length} dev eth0${theirs.includes(':') ? ' nodad' : ''}`,
      ),
      ...lost.map(({ ours }) => `route add blackhole ${ours}`),
    ],
    behind: [
      'link set eth0 up',
      ...behind.map(({ theirs }) => `addr add ${theirs}/24 dev eth0`),
      'route add 10.7.1.0/24 via 10.7.2.1',
    ],
  })
  forwardPackets(net('bird'))
  enter(net('near'))
  const bird = startBird(t, net('bird'), '10.7.1.2', onLink.map(neighbor).join(''))
  startBird(t, net('behind'), '10.7.2.2', behind.map(neighbor).join(''))

  const rival = startBird(t, net('near'), '10.7.1.3', taken.map(rivalOf).join(''))
  await until('the other speaker has its session', () => rival.has('show protocols', 'Established'))

  const speaker = new HastySpeaker({ random: () => 0, restarting: false })
  const log: string[] = []
  const runner = new Runner({
    speaker,
    log: createLog({ node: 'near', level: 'trace', destination: { write: (line) => void log.push(line) } }),
    passwords: ({ key }) => (PASSWORDS[key] === undefined ? undefined : Buffer.from(PASSWORDS[key])),
    onBest: () => {},
  })
  t.teardown(() => runner.stop())
  runner.step({ kind: 'peers', set: pairs.map(config), remove: [] })
  runner.listen([
    { family: 'ipv4', port: 179 },
    { family: 'ipv6', port: 179 },
  ])

  const viewOf = (of: Address) => speaker.peers().find((peer) => peer.address === of)!
  for (const { promise, theirs, becomes } of pairs) {
    await t.test(promise, async (t) => {
      const told = () => tell(viewOf(theirs))
      await until('it is as told', () => becomes.test(told())).catch(() => {})
      t.match(told(), becomes)
    })
  }

  await t.test('what is wrong is said within two attempts to connect', async (t) => {
    for (const { promise, theirs, becomes } of pairs)
      if (becomes !== UP)
        t.ok(speaker.firstSaid.get(theirs)! <= 2, `${promise}: ${speaker.firstSaid.get(theirs)}`)
  })

  await t.test('where the kernel chose our address, it is the next hop of what we announce', async (t) => {
    const set = ['10.244.1.0/26', 'fd44::/122'].map((text) => ({
      prefix: prefix(text),
      localPref: 100,
      because: 'block',
    }))
    runner.step({ kind: 'originate', set, withdraw: [] })
    const nextHop = (protocol: string) =>
      /next_hop: (.+)/.exec(bird.ask(`show route all protocol ${protocol}`))?.[1]
    await until(
      'both are known',
      () => nextHop('p10_7_1_110') !== undefined && nextHop('pfe80__b') !== undefined,
    )
    t.equal(nextHop('p10_7_1_110'), '10.7.1.10')
    t.equal(nextHop('pfe80__b'), ':: fe80::a', 'and it is on the link only')
  })

  await t.test('another password on both sides is taken while we run', async (t) => {
    const changing = onLink
      .filter(({ us }) => us.password === password && us.ttlSecurity === undefined)
      .slice(0, 4)
    const up = () => changing.every(({ theirs }) => UP.test(tell(viewOf(theirs))))
    t.ok(changing.every(({ becomes }) => becomes === UP))
    const before = changing.map(({ theirs }) => viewOf(theirs).since)
    bird.configure(onLink.map((pair) => neighbor(pair).replace('"s3cret"', '"0ther"')).join(''))
    PASSWORDS.right = '0ther'
    const next = { ...password, version: 2 }
    runner.step({
      kind: 'peers',
      set: changing.map((pair) => ({ ...config(pair), password: next })),
      remove: [],
    })
    t.notOk(up(), 'they begin anew')
    await until('they are up again', up)
    t.notSame(
      before,
      changing.map(({ theirs }) => viewOf(theirs).since),
    )
  })

  await t.test('who must not get in never did, though all tried', async (t) => {
    const unwanted = pairs.filter(({ becomes }) => becomes !== UP).map(({ theirs }) => theirs)
    const up = log.filter((line) => line.includes('session up'))
    t.same(
      unwanted.filter((peer) => up.some((line) => line.includes(`"${peer}"`))),
      [],
    )
    for (const name of ['TCPMD5NotFound', 'TCPMD5Unexpected', 'TCPMD5Failure', 'TCPMinTTLDrop'])
      await until(`${name} says that the kernel dropped some`, () => counter(name) > 0)
  })

  await t.test('nothing that is said or shown holds a password', async (t) => {
    const all = [...log, JSON.stringify(speaker.peers()), JSON.stringify(runner.listening)].join()
    t.ok(log.length > 0)
    for (const value of Object.values(PASSWORDS)) t.notOk(all.includes(value.trim()))
  })
})

function config({ us, ours, theirs, promise, where }: Pair): PeerConfig {
  return {
    name: theirs,
    kind: 'node',
    address: theirs,
    port: 179,
    ...(where !== 'anywhere' && where !== 'local' && { localAddress: ours }),
    families: [familyOf(theirs)],
    localAsn: 64512,
    peerAsn: 65002,
    routerId: address('10.7.1.1'),
    passive: false,
    holdTime: 240,
    restartTime: 120,
    allowedLocalAsns: 0,
    because: promise,
    ...us,
  }
}

/** How often the kernel of this namespace dropped a segment for this reason. */
function counter(name: string): number {
  const [names = [], values = []] = readFileSync('/proc/net/netstat', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('TcpExt:'))
    .map((line) => line.split(' '))
  return Number(values[names.indexOf(name)])
}

/** How BIRD knows us. */
function neighbor({ bird, ours, theirs, us, carries = familyOf(ours) }: Pair): string {
  if (bird === null) return ''
  const zone = us.zone ? `%${us.zone}` : ''
  const options = [
    us.zone ? 'direct' : 'multihop',
    'connect delay time 1',
    'connect retry time 1',
    'error wait time 1,1',
    ...bird.split('; '),
  ]
  return `protocol bgp p${theirs.replace(/[.:]/g, '_')} {
    local ${theirs}${zone} as 65002;
    neighbor ${ours}${zone} as 64512;
    ${options.filter(Boolean).join(';\n')};
    ${carries} { import all; export none; };
  }\n`
}

/** A BIRD in our place, which has another port since we have that of BGP. */
function rivalOf({ ours, theirs }: Pair): string {
  return `protocol bgp rival {
    local ${ours} port 1790 as 64512;
    neighbor ${theirs} as 65002;
    multihop;
    connect delay time 1;
    ipv4 { import none; export none; };
  }\n`
}

function tell({ state, lastError = '', advice = '' }: PeerView): string {
  return `${state} ${lastError} ${advice}`
}
