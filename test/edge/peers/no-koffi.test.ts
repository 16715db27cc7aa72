// Where koffi cannot be loaded: peers that ask for protection stay down and say why, and the others do not notice.

import '../../kit/no-koffi.ts'
import { connect } from 'node:net'
import t from 'tap'
import { Speaker } from '../../../src/bgp/speaker.ts'
import type { PeerConfig } from '../../../src/bgp/types.ts'
import { createLog } from '../../../src/edge/observe/log.ts'
import { Runner } from '../../../src/edge/peers/runner.ts'
import { address } from '../../../src/inet/address.ts'
import { until } from '../../kit/until.ts'

const config = (of: string, over: Partial<PeerConfig>): PeerConfig => ({
  name: address(of),
  kind: 'node',
  address: address(of),
  port: 1,
  families: ['ipv4'],
  localAsn: 64512,
  peerAsn: 64512,
  routerId: address('127.4.0.1'),
  passive: true,
  holdTime: 240,
  restartTime: 120,
  allowedLocalAsns: 0,
  because: 'test',
  ...over,
})

t.test('without koffi a protected peer gets in neither way, and another does', async (t) => {
  const speaker = new Speaker({ random: () => 0, restarting: false })
  const passwords = () => Buffer.from('secret')
  const log = createLog({ node: 'a', level: 'silent' })
  const runner = new Runner({ speaker, log, passwords, onBest: () => {} })
  t.teardown(() => runner.stop())
  const password = { name: 'bgp', key: 'k', version: 1 }
  const set = [
    config('127.4.0.2', { password }),
    config('127.4.0.3', { ttlSecurity: 1 }),
    config('127.4.0.4', { password, passive: false }),
    config('127.4.0.5', {}),
  ]
  runner.step({ kind: 'peers', set, remove: [] })
  runner.listen([{ family: 'ipv4', port: 0, address: address('127.4.0.1') }])
  await until('it listens', () => runner.listening.every(({ listening }) => listening))

  const errors = () => speaker.peers().map(({ lastError }) => lastError)
  const reason =
    /^Socket: socket options cannot be set without koffi: Cannot find the native Koffi module; did you bundle it correctly\?$/
  await until('all say so', () =>
    errors()
      .slice(0, 3)
      .every((error) => error !== undefined),
  )
  t.match(errors(), [reason, reason, reason, undefined])

  const { port } = runner.listening[0]!
  const visit = (localAddress: string) =>
    new Promise<string>((ended) => {
      const socket = connect({ host: '127.4.0.1', port, localAddress })
      socket.on('error', () => {})
      socket.on('data', () => {
        ended('heard')
        socket.destroy()
      })
      socket.on('close', () => ended('closed'))
    })
  t.same(await Promise.all(['127.4.0.2', '127.4.0.3', '127.4.0.4', '127.4.0.5'].map(visit)), [
    'closed',
    'closed',
    'closed',
    'heard',
  ])
})
