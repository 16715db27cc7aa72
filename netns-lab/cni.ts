// Changes to the cluster of a running lab, as those make them who do it in a real one: the CNI plugin, and calicoctl.

import type { Document } from '../src/cluster/feed.ts'
import { assignAddresses, releaseAddresses } from './cluster/claims.ts'
import { workloadDocument } from './cluster/documents.ts'
import { hostLocalAddresses } from './cluster/host-local.ts'
import { put, remove } from './cluster/store.ts'
import { refreshNodeBirds, startRouterBird, stopBird } from './daemons/bird.ts'
import { plug, unplug } from './kernel/pods.ts'
import { type Lab, LabError, nodeNamed } from './lab.ts'
import { saveState } from './state.ts'
import { type Pod, podOf } from './topology/index.ts'

/** Adds a pod as the CNI plugin does: addresses, interface, endpoint. */
export async function addPod(lab: Lab, pod: Pod): Promise<void> {
  const { name, node, namespace } = pod
  const { podCidrs } = nodeNamed(lab, node)
  const addresses =
    podCidrs.length > 0
      ? hostLocalAddresses(podCidrs, lab.state.pods)
      : await assignAddresses(lab.store, lab.topology.pools, pod)
  lab.state.pods.push({ name, node, namespace, addresses })
  saveState(lab.name, lab.state)
  await plug(lab, pod, addresses)
  await put(lab.store, workloadDocument(pod, addresses))
  if (pod.bird !== undefined) await startRouterBird(lab, pod)
  await refreshNodeBirds(lab)
}

/** Takes a pod away as the CNI plugin does: endpoint, interface, addresses. */
export async function deletePod(lab: Lab, name: string): Promise<void> {
  const running = lab.state.pods.find((pod) => pod.name === name)
  if (!running) throw new LabError(`there is no pod ${name}`)
  const { namespace, node } = running
  const pod = podOf({ name, namespace, node })
  await remove(lab.store, workloadDocument(pod, []))
  await stopBird(lab, pod, 'SIGTERM')
  await unplug(lab, pod)
  lab.state.pods = lab.state.pods.filter((each) => each !== running)
  saveState(lab.name, lab.state)
  await releaseAddresses(lab.store, pod)
  await refreshNodeBirds(lab)
}

/** Writes documents, as calicoctl would. */
export async function writeDocuments(lab: Lab, documents: readonly Document[]): Promise<void> {
  await refreshAfter(lab, async () => {
    for (const document of documents) await put(lab.store, document)
  })
}

/** Any other change of cluster data; nodes that run BIRD take note of it afterwards. */
export async function refreshAfter(lab: Lab, change: () => Promise<void>): Promise<void> {
  await change()
  await refreshNodeBirds(lab)
}
