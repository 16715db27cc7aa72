// Host-local IPAM (USE_POD_CIDR): the blocks of a node are the pod CIDRs that Kubernetes gave it.
// Calico libcalico-go/lib/backend/k8s/resources/node.go, .../ipam_affinity.go with UsePodCIDR.
//
// What Calico's IPAM keeps is not in use then, and the address of tunl0 is computed, not assigned.

import type { Affinity, Block, Node, Resource } from '../cluster/model.ts'
import { tunnelAddressIn } from '../cluster/pod-cidr.ts'
import type { Prefix } from '../inet/prefix.ts'

/** What a resource of the cluster stands for. */
export function withPodCidrs(resource: Resource): Resource[] {
  switch (resource.kind) {
    case 'Node':
      return [
        { ...resource, ipipTunnelAddress: tunnelAddressIn(resource.podCidrs) },
        ...resource.podCidrs.flatMap((cidr) => [blockOf(resource, cidr), affinityOf(resource, cidr)]),
      ]
    case 'IPAMBlock':
    case 'BlockAffinity':
    case 'IPAMHandle':
      return []
    default:
      return [resource]
  }
}

function blockOf({ name: node }: Node, cidr: Prefix): Block {
  return {
    kind: 'IPAMBlock',
    name: cidr,
    cidr,
    node,
    virtualOwner: undefined,
    allocations: [],
    deleted: false,
  }
}

function affinityOf({ name: node }: Node, cidr: Prefix): Affinity {
  return {
    kind: 'BlockAffinity',
    name: `${node}-${cidr}`,
    node,
    type: 'host',
    cidr,
    state: 'confirmed',
    deleted: false,
  }
}
