import t from 'tap'
import * as types from '../../src/config/types.ts'

const mode = types.choice(types.words('Enabled', 'Disabled'), { none: 'Disabled' })

/** type, accepted texts with their values, refused texts. */
const texts: readonly [
  string,
  types.SettingType<unknown>,
  readonly [string, unknown][],
  readonly string[],
][] = [
  [
    'bool',
    types.bool,
    [
      ['TRUE', true],
      ['1', true],
      ['y', true],
      ['no', false],
      ['F', false],
    ],
    ['ture', '2'],
  ],
  [
    'integer',
    types.integer(1, 255),
    [
      ['3', 3],
      ['255', 255],
    ],
    ['0', '256', '-1', '3.0', '0x3', 'x'],
  ],
  [
    'optional',
    types.optional(types.bool),
    [
      ['true', true],
      ['false', false],
    ],
    ['maybe'],
  ],
  [
    'regex',
    types.regex,
    [
      ['^((en|wl)[Pcopsvx].*|eth.*)', '^((en|wl)[Pcopsvx].*|eth.*)'],
      ['eth', 'eth'],
    ],
    ['(', '[a', '*'],
  ],
  [
    'duration',
    types.duration,
    [
      ['90', 90_000],
      ['0.5', 500],
      ['0', 0],
    ],
    ['90s', '-1', 'NaN'],
  ],
  [
    'choice',
    mode,
    [
      ['enabled', 'Enabled'],
      ['DISABLED', 'Disabled'],
    ],
    ['on', 'Enabled,Disabled'],
  ],
  [
    'nodeName',
    types.nodeName,
    [['node-1.example', 'node-1.example']],
    ['Node', 'a_b', '-a', 'a..b', 'a'.repeat(254)],
  ],
  ['absolutePath', types.absolutePath, [['/etc/x', '/etc/x']], ['etc/x', './x']],
  [
    'socketPath',
    types.socketPath,
    [[`/${'x'.repeat(106)}`, `/${'x'.repeat(106)}`]],
    ['run/x', `/${'x'.repeat(107)}`, `/${'é'.repeat(60)}`],
  ],
  ['ipv4', types.addressOf('ipv4'), [['10.0.0.1', '10.0.0.1']], ['10.0.0.256', 'fd00::1', '10.0.0.1/24']],
  ['ipv6', types.addressOf('ipv6'), [['FD00::0:1', 'fd00::1']], ['10.0.0.1', 'fd00:::1']],
  [
    'routerId',
    types.routerId,
    [
      ['hash', 'hash'],
      ['192.0.2.1', '192.0.2.1'],
    ],
    ['fd00::1', 'Hash'],
  ],
  [
    'interfacePrefixes',
    types.interfacePrefixes,
    [['cali,tap', ['cali', 'tap']]],
    ['', 'cali,', 'ca li', 'a'.repeat(16)],
  ],
  [
    'interfaceFilter',
    types.interfaceFilter,
    [
      ['eth0', 'eth0'],
      ['eth+', 'eth+'],
    ],
    ['eth0 -j ACCEPT', 'e+h', 'eth*', 'a'.repeat(16)],
  ],
  [
    'portRange',
    types.portRange,
    [
      ['32768:65535', { first: 32768, last: 65535 }],
      ['5000', { first: 5000, last: 5000 }],
    ],
    ['0:10', '10:9', '1:65536', '1-2', 'http'],
  ],
  [
    'prefixes',
    types.prefixes,
    [['192.0.2.1, 198.51.100.7/24,fd00::/64', ['192.0.2.1/32', '198.51.100.0/24', 'fd00::/64']]],
    ['192.0.2.1,', '192.0.2.0/33'],
  ],
  [
    'features',
    types.features,
    [
      [
        'MASQFullyRandom=false, SNATFullyRandom = true',
        new Map([
          ['MASQFullyRandom', false],
          ['SNATFullyRandom', true],
        ]),
      ],
    ],
    ['MASQFullyRandom', 'MASQFullyRandom=maybe', '=true'],
  ],
  [
    'endpoints',
    types.endpoints,
    [
      ['http://127.0.0.1:2379', ['http://127.0.0.1:2379']],
      [' https://a:2379/ , https://[fd00::1]:2379', ['https://a:2379/', 'https://[fd00::1]:2379']],
    ],
    ['127.0.0.1:2379', 'http://a,https://b', 'http://a/v3', 'http://u:p@a', 'ftp://a', ','],
  ],
]

for (const [name, type, good, bad] of texts)
  t.test(`${name} takes what is right and refuses the rest`, async (t) => {
    for (const [given, value] of good) t.same(type.parse(given), value, given)
    for (const given of bad) t.equal(type.parse(given), undefined, given)
  })

t.test('a resource field has the type the resource gives it', async (t) => {
  t.equal(types.bool.parseField?.(false), false)
  t.equal(types.bool.parseField?.('false'), undefined)
  t.equal(types.integer(0, 255).parseField?.(80), 80)
  t.equal(types.integer(0, 255).parseField?.(80n), 80)
  t.equal(types.integer(0, 255).parseField?.(8.5), undefined)
  t.equal(types.duration.parseField?.('1m30s'), 90_000)
  t.equal(types.duration.parseField?.('-1s'), undefined)
  t.equal(types.duration.parseField?.(90), undefined)
  t.same(types.portRange.parseField?.(5000), { first: 5000, last: 5000 })
  t.same(types.portRange.parseField?.('1:2'), { first: 1, last: 2 })
  t.equal(types.portRange.parseField?.({}), undefined)
  t.same(types.prefixes.parseField?.(['192.0.2.1', '198.51.100.0/24']), ['192.0.2.1/32', '198.51.100.0/24'])
  t.equal(types.prefixes.parseField?.('192.0.2.1'), undefined)
  t.equal(types.prefixes.parseField?.([7]), undefined)
})
