// A lab in a recorded state: etcd holds the recorded keys and no others, and the node has the recorded pods.

import { refreshAfter } from '../cni.ts'
import { etcdHost } from '../daemons/datastore.ts'
import { environmentOn } from '../exec.ts'
import { loopback, makeNamespace } from '../kernel/network.ts'
import { inside, ip, run } from '../kernel/run.ts'
import { type Lab, LabError } from '../lab.ts'
import { type RecordedPod, type Recording, recordedNode, recordedPods } from './recording.ts'

/**
 * Changes the lab into that state, from whatever state it is in. Everything in etcd changes at once.
 *
 * @throws LabError unless the datastore is etcd
 */
export async function load(lab: Lab, recording: Recording): Promise<void> {
  if (lab.state.store !== 'etcd') throw new LabError('recordings are for etcd: say `datastores: [etcd]`')
  await replacePods(lab, recordedPods(recording))
  await refreshAfter(lab, () => replaceKeys(lab, recording))
}

async function replaceKeys(lab: Lab, { kvs }: Recording): Promise<void> {
  const recorded = new Set(kvs.map(({ key }) => key))
  const there = await etcdctl(lab, ['get', '/calico/', '--prefix', '--keys-only'])
  const stale = there.split('\n').filter((key) => key !== '' && !recorded.has(key))
  const changes = [
    ...stale.map((key) => `del ${key}`),
    ...kvs.map(({ key, value }) => `put ${key} ${JSON.stringify(value)}`),
  ]
  // No conditions, what to do, and nothing otherwise: each of the three ends with an empty line.
  await etcdctl(lab, ['txn'], ['', ...changes, '', '', ''].join('\n'))
}

function etcdctl(lab: Lab, args: readonly string[], input?: string): Promise<string> {
  const argv = inside(lab.namespaceOf(etcdHost), ['etcdctl', ...args])
  return run(argv, {
    env: environmentOn(lab, etcdHost),
    signal: lab.signal,
    ...(input !== undefined && { input }),
  })
}

/** Those that are there go, their interfaces first: those of a namespace go some time after it. */
async function replacePods(lab: Lab, pods: readonly RecordedPod[]): Promise<void> {
  for (const { name } of lab.state.pods.splice(0)) {
    const namespace = lab.namespaceOf(name)
    await ip(namespace, ['link del eth0'], lab.signal)
    await run(['ip', 'netns', 'del', namespace], { signal: lab.signal })
    lab.note({ gone: namespace })
  }
  for (const pod of pods) await plugBare(lab, pod)
}

/** Without the settings and routes of the CNI plugin, so that those which are found later are the agent's. */
async function plugBare(lab: Lab, { name, interfaceName, mac }: RecordedPod): Promise<void> {
  lab.state.pods.push({ name, node: recordedNode, namespace: 'default', addresses: [] })
  await makeNamespace(lab, name)
  const inner = `name eth0 address ${mac} netns ${lab.namespaceOf(name)}`
  const outer = `name ${interfaceName} address ee:ee:ee:ee:ee:ee`
  await ip(
    lab.namespaceOf(recordedNode),
    [`link add ${outer} type veth peer ${inner}`, `link set ${interfaceName} up`],
    lab.signal,
  )
  await ip(lab.namespaceOf(name), [loopback, 'link set eth0 up'], lab.signal)
}
