// What the tests of the kubernetes datastore share: objects that others make, and the double as a harness.

import type { Document } from '../../../src/cluster/feed.ts'
import { annotationChanges } from '../../../src/cluster/kubernetes/node.ts'
import { groupVersions, type Layout, objectFromDocument } from '../../../src/cluster/kubernetes/objects.ts'
import type { KubernetesServer } from '../kubernetes/server.ts'
import type { StoredObject } from '../kubernetes/store.ts'

let uids = 0

function stamps() {
  const uid = `00000000-0000-4000-8000-${String(++uids).padStart(12, '0')}`
  return { uid, creationTimestamp: '2026-03-04T05:06:07Z' }
}

/** A Node as kubelet registers it. */
export function nodeObject(
  name: string,
  annotations: Readonly<Record<string, string>> = {},
  more: object = {},
): StoredObject {
  const labels = { 'kubernetes.io/hostname': name }
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels, annotations, ...stamps() },
    spec: {},
    ...more,
  }
}

export interface PodWish {
  readonly node?: string
  readonly ip?: string
  readonly phase?: string
  readonly annotations?: Readonly<Record<string, string>>
  readonly deletionTimestamp?: string
}

/** A Pod that runs on a node and that the CNI plugin has given an address. */
export function podObject(namespace: string, name: string, wish: PodWish = {}): StoredObject {
  const { node = 'node-a', ip = '10.66.12.70', phase = 'Running', annotations, deletionTimestamp } = wish
  const cni = { 'cni.projectcalico.org/podIP': `${ip}/32`, 'cni.projectcalico.org/podIPs': `${ip}/32` }
  const metadata = {
    name,
    namespace,
    annotations: annotations ?? cni,
    ...stamps(),
    ...(deletionTimestamp && { deletionTimestamp }),
  }
  const status = { phase, podIP: ip, podIPs: [{ ip }] }
  return { apiVersion: 'v1', kind: 'Pod', metadata, spec: { nodeName: node, containers: [] }, status }
}

/** The object by which others make a document be there. */
export function objectOf(document: Document): StoredObject {
  const { name, namespace = 'default' } = document.metadata
  const { pod, node } = document.spec as { pod?: string; node?: string }
  if (document.kind === 'WorkloadEndpoint') return podObject(namespace, pod!, { node: node! })
  const nothing = { ...document, spec: {} }
  return nodeObject(name, annotationChanges(nothing, document) as Record<string, string>)
}

/** Puts an object of a CRD as somebody else would who asks nobody. */
export function putDocument(
  server: KubernetesServer,
  document: Document,
  layout: Layout,
  changes: object = {},
): void {
  const object = {
    ...objectFromDocument(document, layout),
    apiVersion: groupVersions[layout],
    ...changes,
  } as StoredObject
  server.put(pluralIn[document.kind]!, object)
}

const pluralIn: Readonly<Record<string, string>> = {
  IPPool: 'ippools',
  BGPPeer: 'bgppeers',
  IPAMBlock: 'ipamblocks',
}
