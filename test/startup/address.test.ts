import t from 'tap'
import { detectionMethod, nodeAddress } from '../../src/config/startup-types.ts'
import type { Family } from '../../src/inet/address.ts'
import { addressFor } from '../../src/startup/address.ts'
import { host, interfaces } from '../kit/startup.ts'

const eth0 = host(interfaces('2 eth0 172.20.0.11/24 fd20::11/64'))
const nothing = host(interfaces('1 lo 127.0.0.1/8 ::1/128'))

interface Case {
  readonly given?: string
  readonly stored?: string
  readonly on?: typeof eth0
  /** The address in the resource afterwards; undefined: none; a pattern: what it is refused with. */
  readonly becomes: string | undefined | RegExp
  readonly warns?: RegExp
}

function answers(family: Family, cases: readonly Case[]): void {
  for (const { given, stored, on = eth0, becomes, warns } of cases) {
    const name = `${family === 'ipv4' ? 'IP' : 'IP6'}=${given ?? ''}, stored ${stored}, on ${on === eth0 ? 'eth0' : 'no interface'}`
    t.test(`${name}: ${becomes}`, async (t) => {
      const wish = {
        given: given === undefined ? undefined : nodeAddress(family).parse(given),
        method: detectionMethod.parse('first-found')!,
      }
      if (becomes instanceof RegExp) {
        t.throws(() => addressFor(family, wish, stored, on), { name: 'StartupError', message: becomes })
        return
      }
      const { address, warnings } = addressFor(family, wish, stored, on)
      t.equal(address, becomes)
      if (warns) t.match(warnings.join('\n'), warns)
      else t.same(warnings, [])
    })
  }
}

answers('ipv4', [
  { becomes: '172.20.0.11/24' },
  { stored: '172.20.0.11/16', becomes: '172.20.0.11/16' },
  { stored: '192.0.2.1/24', becomes: '192.0.2.1/24', warns: /^no interface has 192.0.2.1, the IPv4 address/ },
  { on: nothing, becomes: /^IP_AUTODETECTION_METHOD: first-found: there is no such IPv4 address.*set IP/ },
  { given: 'autodetect', becomes: '172.20.0.11/24' },
  { given: 'autodetect', stored: '192.0.2.1/24', becomes: '172.20.0.11/24' },
  {
    given: 'autodetect',
    stored: '192.0.2.1/24',
    on: nothing,
    becomes: '192.0.2.1/24',
    warns: /keeps 192.0.2.1\/24/,
  },
  { given: 'autodetect', on: nothing, becomes: /^IP_AUTODETECTION_METHOD/ },
  { given: 'none', becomes: undefined },
  { given: 'none', stored: '172.20.0.11/24', becomes: '172.20.0.11/24' },
  { given: '172.20.0.11', becomes: '172.20.0.11/24' },
  { given: '172.20.0.11', stored: '192.0.2.1/24', becomes: '172.20.0.11/24' },
  { given: '172.20.0.11/16', becomes: '172.20.0.11/16' },
  { given: '192.0.2.9', becomes: '192.0.2.9/32', warns: /no interface has 192.0.2.9/ },
  { given: '192.0.2.9/24', becomes: '192.0.2.9/24', warns: /no interface has 192.0.2.9/ },
])

answers('ipv6', [
  { becomes: undefined },
  { stored: 'fd20::11/64', becomes: 'fd20::11/64' },
  { given: 'autodetect', becomes: 'fd20::11/64' },
  { given: 'autodetect', stored: 'fd20::9/64', on: nothing, becomes: 'fd20::9/64', warns: /keeps fd20::9/ },
  { given: 'autodetect', on: nothing, becomes: /^IP6_AUTODETECTION_METHOD.*set IP6/ },
  { given: 'none', stored: 'fd20::11/64', becomes: 'fd20::11/64' },
  { given: 'none', becomes: undefined },
  // Unlike IPv4, Calico does not ask the interfaces for the length.
  { given: 'fd20::11', becomes: 'fd20::11/128' },
  { given: 'fd20::11/64', becomes: 'fd20::11/64' },
])
