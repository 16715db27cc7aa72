// The settings in force, and what makes them others.

import t from 'tap'
import { LiveSettings } from '../../src/agent/live-settings.ts'
import type { Document } from '../../src/cluster/feed.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { node, pool } from '../kit/documents.ts'
import { document } from '../kit/resources.ts'

const felix = (name: string, spec: object) => document('FelixConfiguration', spec, { name })

function bench(environment: Record<string, string> = {}) {
  const view = new ClusterView()
  const live = new LiveSettings({ NODENAME: 'n', ...environment }, view)
  /** Whether a setting is different now. */
  const apply = (...documents: Document[]) =>
    documents.map((one) => view.apply(one).some((change) => live.changed(change))).includes(true)
  return { live, apply }
}

t.test('a FelixConfiguration counts at once, the environment before it', async (t) => {
  const { live, apply } = bench({ FELIX_VXLANVNI: '5000' })
  t.equal(apply(felix('default', { vxlanPort: 4790, vxlanVNI: 4097 })), true)
  t.match(live.values, { vxlanPort: 4790, vxlanVni: 5000 })
  t.equal(apply(felix('default', { vxlanPort: 4790, vxlanVNI: 4098 })), false)
  t.match(live.values, { vxlanVni: 5000 })
})

t.test('nothing else makes a difference', async (t) => {
  const { live, apply } = bench()
  const { resolved } = live
  t.equal(apply(pool('p', '10.65.0.0/16'), node('n', '10.0.0.1/24'), node('m', '10.0.0.2/24')), false)
  t.same(live.resolved, resolved)
})

t.test('one that selects nodes counts while this node has the labels', async (t) => {
  const { live, apply } = bench()
  const labelled = (labels: Record<string, string>): Document => {
    const { metadata, ...rest } = node('n', '10.0.0.1/24')
    return { ...rest, metadata: { ...metadata, labels } }
  }
  apply(node('n', '10.0.0.1/24'))
  t.equal(apply(felix('edge', { nodeSelector: "place == 'edge'", vxlanPort: 4790 })), false)
  t.equal(apply(labelled({ place: 'edge' })), true)
  t.equal(live.values.vxlanPort, 4790)
  t.equal(apply(labelled({ place: 'core' })), true)
  t.equal(live.values.vxlanPort, 4789)
})

t.test('what cannot be used is said', async (t) => {
  const { live } = bench({ FELIX_VXLANPORT: 'many', FELIX_VXLANPROT: '4790' })
  t.match(live.warnings, [/^FELIX_VXLANPORT: /, /^FELIX_VXLANPROT is no setting of this agent/])
  t.match(live.configView, { unknown: ['FELIX_VXLANPROT'] })
})
