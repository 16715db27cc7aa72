// Services and EndpointSlices of Kubernetes as documents, which have all they say in `spec` and `status`.

import type { AnyKind, Document, KubernetesKind } from '../feed.ts'
import { type Fields, mapping, required, texts } from '../shape.ts'

/** Where the API server has them. */
export const servicePaths: Readonly<Record<KubernetesKind, string>> = {
  Service: '/api/v1/services',
  EndpointSlice: '/apis/discovery.k8s.io/v1/endpointslices',
}

/**
 * What is left out of lists and watches, as kube-proxy does: headless services have no address of their own, and those of
 * another proxy are not answered by nodes.
 */
export const SERVICE_SELECTOR = '!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name'

/** @throws ShapeError */
export function serviceDocument(kind: KubernetesKind, raw: Fields): Document<AnyKind> {
  const { name, namespace, labels, resourceVersion } = mapping('metadata', raw.metadata)
  const { addressType, endpoints } = raw
  return {
    apiVersion: kind === 'Service' ? 'v1' : 'discovery.k8s.io/v1',
    kind,
    metadata: {
      name: required('metadata.name', name),
      namespace: required('metadata.namespace', namespace),
      labels: texts('metadata.labels', labels),
      resourceVersion: String(resourceVersion),
    },
    spec: kind === 'Service' ? raw.spec : { addressType, endpoints },
    status: raw.status,
  }
}
