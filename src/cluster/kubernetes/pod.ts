// A Pod as the WorkloadEndpoint of Calico. Calico: libcalico-go/lib/backend/k8s/conversion/workload_endpoint_default.go.
// What only policy has a use for (ports, QoS) is left out.

import { createHash } from 'node:crypto'
import { parseAddress } from '../../inet/address.ts'
import type { Document } from '../feed.ts'
import { type Fields, mapping } from '../shape.ts'
import { endpointName } from './names.ts'

/** The annotations in which a CNI plugin says what it gave the pod; emptied when it took it back. */
const CNI = 'cni.projectcalico.org/'
const AWS_IPS = 'vpc.amazonaws.com/pod-ips'

const FINISHED: ReadonlySet<unknown> = new Set(['Succeeded', 'Failed', 'Completed'])

/** The longest value a label can have. */
const LABEL_MAX = 63

/** The endpoint of a pod; undefined for one that has none of its own. @throws ShapeError */
export function podDocument(raw: Fields, interfacePrefix: string): Document | undefined {
  const metadata = mapping('metadata', raw.metadata)
  const spec = mapping('spec', raw.spec)
  const { nodeName, hostNetwork, serviceAccountName = 'default' } = spec
  if (!nodeName || hostNetwork === true) return undefined
  const annotations = mapping('metadata.annotations', metadata.annotations) as Record<
    string,
    string | undefined
  >
  const status = mapping('status', raw.status)
  const [node, pod, namespace] = [nodeName, metadata.name, metadata.namespace].map(String) as [
    string,
    string,
    string,
  ]
  const sources = annotations[`${CNI}allowedSourcePrefixes`]
  return {
    apiVersion: 'projectcalico.org/v3',
    kind: 'WorkloadEndpoint',
    metadata: {
      name: endpointName(node, pod),
      namespace,
      labels: labelsOf(mapping('metadata.labels', metadata.labels), namespace, String(serviceAccountName)),
      uid: String(metadata.uid),
      creationTimestamp: String(metadata.creationTimestamp),
      resourceVersion: String(metadata.resourceVersion),
    },
    spec: {
      orchestrator: 'k8s',
      node,
      pod,
      endpoint: 'eth0',
      containerID: annotations[`${CNI}containerID`] ?? '',
      serviceAccountName,
      profiles: [`kns.${namespace}`, `ksa.${namespace}.${serviceAccountName}`],
      interfaceName: interfaceOf(interfacePrefix, namespace, pod),
      ipNetworks: isFinished(metadata, annotations, status) ? [] : networksOf(annotations, status),
      ...(sources && { allowSpoofedSourcePrefixes: JSON.parse(sources) }),
    },
  }
}

/** The host side of a pod's veth, as the CNI plugin calls it. */
export function interfaceOf(prefix: string, namespace: string, pod: string): string {
  return prefix + createHash('sha1').update(`${namespace}.${pod}`).digest('hex').slice(0, 11)
}

function labelsOf(
  labels: Fields,
  namespace: string,
  serviceAccount: string,
): Readonly<Record<string, string>> {
  return {
    ...(labels as Record<string, string>),
    'projectcalico.org/namespace': namespace,
    'projectcalico.org/orchestrator': 'k8s',
    ...(serviceAccount.length <= LABEL_MAX && { 'projectcalico.org/serviceaccount': serviceAccount }),
  }
}

/**
 * Whether the address may belong to somebody else by now. While a pod terminates it keeps it, until the plugin says
 * that it is gone: by an annotation that is there and empty, while `status.podIP` still shows the address.
 */
function isFinished(
  { deletionTimestamp }: Fields,
  annotations: Readonly<Record<string, string | undefined>>,
  { phase }: Fields,
): boolean {
  if (FINISHED.has(phase)) return true
  return deletionTimestamp != null && [`${CNI}podIP`, AWS_IPS].some((name) => annotations[name] === '')
}

/** The first source that says anything; one address a family. */
function networksOf(
  annotations: Readonly<Record<string, string | undefined>>,
  { podIPs, podIP }: Fields,
): string[] {
  const listed = (Array.isArray(podIPs) ? podIPs : []).map(({ ip }: { ip?: string }) => ip ?? '')
  const texts = [`${CNI}podIPs`, `${CNI}podIP`, AWS_IPS].map((name) => (annotations[name] ?? '').split(','))
  const sources = [listed, [String(podIP ?? '')], ...texts].map((source) =>
    source.filter((text) => text !== ''),
  )
  const addresses = (sources.find((source) => source.length > 0) ?? []).flatMap(
    (text) => parseAddress(text.trim().split('/')[0]!) ?? [],
  )
  const ofFamily = (isV6: boolean) => addresses.find((address) => address.includes(':') === isV6)
  return [ofFamily(false), ofFamily(true)].flatMap((address) =>
    address === undefined ? [] : [`${address}/${address.includes(':') ? 128 : 32}`],
  )
}
