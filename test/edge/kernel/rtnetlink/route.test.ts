import t from 'tap'
import type { KernelRoute } from '../../../../src/edge/kernel/kernel-route.ts'
import { MessageWriter, messagesOf } from '../../../../src/edge/kernel/rtnetlink/message.ts'
import {
  missingDevice,
  readRoute,
  writeDelete,
  writeReplace,
} from '../../../../src/edge/kernel/rtnetlink/route.ts'
import { address } from '../../../../src/inet/address.ts'
import { prefix } from '../../../../src/inet/prefix.ts'
import { octets } from '../../../kit/vector.ts'

const SEQUENCE = 0x6b01abde
const index: Readonly<Record<string, number>> = { eth0: 3, caliaaa: 5 }
const indexOf = (name: string) => index[name]
const nameOf = (of: number) => Object.keys(index).find((name) => index[name] === of) ?? `if${of}`

function route(text: string, fields: Partial<KernelRoute>): KernelRoute {
  return {
    prefix: prefix(text),
    type: 'unicast',
    protocol: 'bird',
    because: 'found in the kernel',
    ...fields,
  }
}

interface Vector {
  readonly name: string
  readonly route: KernelRoute
  /** What ip(8) of iproute2 6.1 sends, as strace(1) shows it, on a little-endian machine. */
  readonly replace: string
  readonly remove?: string
}

const vectors: readonly Vector[] = [
  {
    name: 'onlink, with an MTU', // ip route replace 10.65.3.0/26 via 172.18.0.4 dev eth0 proto 80 metric 0 onlink mtu 1480
    route: route('10.65.3.0/26', {
      protocol: '80',
      gateway: address('172.18.0.4'),
      device: 'eth0',
      onlink: true,
      mtu: 1480,
    }),
    replace: `
      48000000 1800 0505 deab016b 00000000  # 72 bytes, RTM_NEWROUTE, request ack replace create
      02 1a 00 00 fe 50 00 01 04000000      # inet /26, main, protocol 80, universe, unicast, onlink
      0800 0100 0a410300                    # destination
      0800 0500 ac120004                    # gateway
      0800 0600 00000000                    # metric
      0800 0400 03000000                    # interface 3
      0c00 0800 0800 0200 c8050000          # metrics: MTU
    `,
    remove: `
      34000000 1900 0500 deab016b 00000000  # RTM_DELROUTE
      02 1a 00 00 fe 50 ff 00 00000000      # whatever its scope and type
      0800 0100 0a410300
      0800 0600 00000000
      0800 0400 03000000
    `,
  },
  {
    name: 'blackhole',
    route: route('10.65.0.0/26', { type: 'blackhole', protocol: '80' }),
    replace: `
      2c000000 1800 0505 deab016b 00000000
      02 1a 00 00 fe 50 00 06 00000000
      0800 0100 0a410000
      0800 0600 00000000
    `,
    remove: `
      2c000000 1900 0500 deab016b 00000000
      02 1a 00 00 fe 50 ff 06 00000000
      0800 0100 0a410000
      0800 0600 00000000
    `,
  },
  {
    name: 'workload with a source address',
    route: route('10.65.0.2/32', {
      protocol: 'boot',
      device: 'eth0',
      scope: 'link',
      source: address('172.18.0.2'),
    }),
    replace: `
      3c000000 1800 0505 deab016b 00000000
      02 20 00 00 fe 03 fd 01 00000000
      0800 0100 0a410002
      0800 0700 ac120002
      0800 0600 00000000
      0800 0400 03000000
    `,
  },
  {
    name: 'default',
    route: route('0.0.0.0/0', { gateway: address('172.18.0.4'), device: 'eth0' }),
    replace: `
      34000000 1800 0505 deab016b 00000000
      02 00 00 00 fe 0c 00 01 00000000
      0800 0500 ac120004
      0800 0600 00000000
      0800 0400 03000000
    `,
  },
  {
    name: 'IPv4 by way of IPv6', // ip route replace 10.65.9.0/26 via inet6 fd00::4 …
    route: route('10.65.9.0/26', { gateway: address('fd00::4'), device: 'eth0' }),
    replace: `
      4c000000 1800 0505 deab016b 00000000
      02 1a 00 00 fe 0c 00 01 00000000
      0800 0100 0a410900
      1600 1200 0a00 fd000000000000000000000000000004 0000
      0800 0600 00000000
      0800 0400 03000000
    `,
  },
  {
    name: 'two ways out',
    route: route('10.65.7.0/26', {
      nexthops: [
        { gateway: address('172.18.0.6'), device: 'eth0' },
        { gateway: address('172.18.0.7'), device: 'eth0', onlink: true },
      ],
    }),
    replace: `
      50000000 1800 0505 deab016b 00000000
      02 1a 00 00 fe 0c 00 01 00000000
      0800 0100 0a410700
      0800 0600 00000000
      2400 0900                             # multipath
        1000 00 00 03000000 0800 0500 ac120006
        1000 04 00 03000000 0800 0500 ac120007
    `,
  },
  {
    name: 'IPv6',
    route: route('fd10:67::/122', {
      protocol: '80',
      gateway: address('fd00::4'),
      device: 'eth0',
      onlink: true,
    }),
    replace: `
      54000000 1800 0505 deab016b 00000000
      0a 7a 00 00 fe 50 00 01 04000000
      1400 0100 fd100067000000000000000000000000
      1400 0500 fd000000000000000000000000000004
      0800 0600 00040000
      0800 0400 03000000
    `,
    remove: `
      40000000 1900 0500 deab016b 00000000
      0a 7a 00 00 fe 50 00 00 00000000      # IPv6 knows no scope
      1400 0100 fd100067000000000000000000000000
      0800 0600 00040000
      0800 0400 03000000
    `,
  },
  {
    name: 'IPv6, two ways out',
    route: route('fd10:7::/122', {
      nexthops: [
        { gateway: address('fd00::6'), device: 'eth0' },
        { gateway: address('fd00::7'), device: 'eth0' },
      ],
    }),
    replace: `
      74000000 1800 0505 deab016b 00000000
      0a 7a 00 00 fe 0c 00 01 00000000
      1400 0100 fd100007000000000000000000000000
      0800 0600 00040000
      3c00 0900
        1c00 00 00 03000000 1400 0500 fd000000000000000000000000000006
        1c00 00 00 03000000 1400 0500 fd000000000000000000000000000007
    `,
    remove: `
      38000000 1900 0500 deab016b 00000000
      0a 7a 00 00 fe 0c 00 00 00000000
      1400 0100 fd100007000000000000000000000000
      0800 0600 00040000
    `,
  },
]

function written(encode: typeof writeReplace, route: KernelRoute): Uint8Array {
  const out = new MessageWriter()
  encode(out, SEQUENCE, route, indexOf)
  out.acknowledge()
  return out.take()
}

function read(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return [...messagesOf(view)].map((message) => readRoute(view, message, nameOf))
}

for (const { name, route, replace, remove } of vectors) {
  t.test(`${name}: the bytes of ip(8), which say the same when read`, async (t) => {
    t.same(written(writeReplace, route), octets(replace))
    if (remove) t.same(written(writeDelete, route), octets(remove))
    t.same(read(octets(replace))[0]?.route, route)
  })
}

t.test(
  'a message that is cut anywhere is not read, or read without its end, but never an error',
  async (t) => {
    for (const { replace } of vectors) {
      const whole = octets(replace)
      for (let length = 0; length < whole.length; length++) {
        const cut = whole.slice(0, length)
        t.same(read(cut), [], `${length} bytes`)
        if (length < 28) continue
        new DataView(cut.buffer).setUint32(0, length, true)
        t.equal(read(cut).length, 1)
      }
    }
  },
)

// As Linux 6.18 dumps `ip route add 10.65.7.0/26 proto bird nexthop via 172.18.0.6 weight 3 nexthop via 172.18.0.7`, the
// second made dead and of another interface by hand.
const weighted = `
  50000000 1800 2200 01000000 00000000
  02 1a 00 00 fe 0c 00 01 00000000
  0800 0f00 fe000000
  0800 0100 0a410700
  2400 0900
    1000 00 02 03000000 0800 0500 ac120006
    1000 01 00 63000000 0800 0500 ac120007
`

t.test('weights, dead ways out and interfaces that are gone are told', async (t) => {
  t.same(read(octets(weighted))[0]?.route.nexthops, [
    { device: 'eth0', gateway: '172.18.0.6', weight: 3 },
    { device: 'if99', gateway: '172.18.0.7', dead: true },
  ])
})

t.test('what is not of the main table, has a type of service or another metric says so', async (t) => {
  const other = `
    3c000000 1800 0000 01000000 00000000
    02 1a 00 08 fc 0c 00 01 00000000        # type of service 8, table in an attribute
    0800 0f00 e8030000
    0800 0100 0a410700
    0800 0600 64000000
    0800 0400 03000000
  `
  const [found] = read(octets(other))
  t.match(found, { main: false, tos: true, metric: 100, route: { metric: 100, device: 'eth0' } })
})

t.test('what the kernel made of a route for itself, and other families, are passed over', async (t) => {
  const cloned = '1c000000 1800 0000 01000000 00000000  0a 80 00 00 fe 02 00 01 00020000'
  const bridge = '1c000000 1800 0000 01000000 00000000  07 00 00 00 fe 02 00 01 00000000'
  t.same([...read(octets(cloned)), ...read(octets(bridge))], [undefined, undefined])
})

t.test('the interface that is missing is named', async (t) => {
  t.equal(missingDevice(route('10.65.0.0/26', { device: 'calinone' }), indexOf), 'calinone')
  t.equal(missingDevice(route('10.65.0.0/26', { type: 'blackhole' }), indexOf), undefined)
  t.equal(
    missingDevice(route('10.65.0.0/26', { nexthops: [{ device: 'eth0' }, { device: 'eth9' }] }), indexOf),
    'eth9',
  )
})
