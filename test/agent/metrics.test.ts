// What Prometheus reads.

import t from 'tap'
import { type Measured, metricsPage } from '../../src/agent/metrics.ts'
import type { PeerView } from '../../src/bgp/types.ts'

const peer = (over: Partial<PeerView>): PeerView =>
  ({ kind: 'mesh', state: 'Established', received: 2, advertised: 1, ...over }) as PeerView

const measured: Measured = {
  status: {
    version: '1.2.3',
    datastore: {
      type: 'file',
      state: 'waiting',
      since: 1_000,
      problems: [{ subject: 'IPPool/a', message: 'no' }],
    },
    bgp: {
      routerId: undefined,
      asn: undefined,
      listening: { ipv4: { endpoint: '0.0.0.0:179' }, ipv6: { endpoint: '[::]:179' } },
      refused: { 'not a peer': 4 },
      dropped: { 'signed with another password': 5 },
      peers: [peer({}), peer({}), peer({ state: 'Active' }), peer({ kind: 'global', state: 'Idle' })],
    },
    warnings: ['one'],
  },
  kernel: [
    {
      name: 'routes',
      wanted: 10,
      inForce: 8,
      refused: [{ key: 'x', reason: 'y', attempts: 1 }],
      repairs: { removed: 3, changed: 0, added: 1, device: 0 },
    },
  ],
  connections: { accepted: 6, dialled: 7, failed: 8 },
  contactsLost: 2,
  events: { written: 4, dropped: 0 },
  isReady: true,
  now: 3_500,
}

const seriesOf = (body: string) => body.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
const ours = (body: string) => seriesOf(body).filter((line) => line.startsWith('caracal_'))

t.test('what the agent counts is a series each, by kinds that are known beforehand', async (t) => {
  const { status, type, body } = await metricsPage(() => measured)()
  t.equal(status, 200)
  t.match(type, /^text\/plain; version=0\.0\.4/)
  t.same(
    ours(body).filter((line) => !line.endsWith(' 0')),
    [
      'caracal_info{version="1.2.3"} 1',
      'caracal_ready 1',
      'caracal_warnings 1',
      'caracal_bgp_sessions{type="mesh",state="Active"} 1',
      'caracal_bgp_sessions{type="mesh",state="Established"} 2',
      'caracal_bgp_sessions{type="global",state="Idle"} 1',
      'caracal_bgp_routes_received{type="mesh"} 6',
      'caracal_bgp_routes_received{type="global"} 2',
      'caracal_bgp_routes_advertised{type="mesh"} 3',
      'caracal_bgp_routes_advertised{type="global"} 1',
      'caracal_bgp_connections_total{outcome="accepted"} 6',
      'caracal_bgp_connections_total{outcome="dialled"} 7',
      'caracal_bgp_connections_total{outcome="failed"} 8',
      'caracal_bgp_connections_refused_total{reason="not a peer"} 4',
      'caracal_bgp_segments_dropped_total{reason="signed with another password"} 5',
      'caracal_kernel_wanted{kind="routes"} 10',
      'caracal_kernel_in_force{kind="routes"} 8',
      'caracal_kernel_refused{kind="routes"} 1',
      'caracal_kernel_repairs_total{kind="routes",cause="removed"} 3',
      'caracal_kernel_repairs_total{kind="routes",cause="added"} 1',
      'caracal_datastore_state{state="waiting"} 1',
      'caracal_datastore_lag_seconds 2.5',
      'caracal_datastore_contacts_lost_total 2',
      'caracal_datastore_problems 1',
      'caracal_events_total{outcome="written"} 4',
    ],
  )
})

t.test(
  'the lag of the event loop and the size of the process are there under their usual names',
  async (t) => {
    const { body } = await metricsPage(() => measured)()
    for (const name of ['nodejs_eventloop_lag_p99_seconds', 'process_resident_memory_bytes'])
      t.ok(
        seriesOf(body).some((line) => line.startsWith(`${name} `)),
        name,
      )
  },
)

t.test('each reading is of its own moment, and counters are not added up', async (t) => {
  let now = measured
  const page = metricsPage(() => now)
  await page()
  now = { ...measured, contactsLost: 3, isReady: false }
  const { body } = await page()
  t.ok(ours(body).includes('caracal_datastore_contacts_lost_total 3'))
  t.ok(ours(body).includes('caracal_ready 0'))
})

t.test('the number of series does not grow with the cluster', async (t) => {
  const { status } = measured
  const peers = Array.from({ length: 5_000 }, (_, i) => peer({ name: `peer-${i}`, state: 'Idle' }))
  const large = { ...measured, status: { ...status, bgp: { ...status.bgp, peers } } }
  const few = ours((await metricsPage(() => measured)()).body)
  const many = ours((await metricsPage(() => large)()).body)
  t.equal(many.length, few.length)
  t.ok(many.length < 100)
})
