// Every kind and how it is read: one row each.

import type { AnyKind, Document } from '../feed.ts'
import type { Resources } from '../model.ts'
import { parseAffinity } from './affinity.ts'
import { parseBgpConfiguration } from './bgp-configuration.ts'
import { parseBgpFilter } from './bgp-filter.ts'
import { parseBgpPeer } from './bgp-peer.ts'
import { parseBlock } from './block.ts'
import { parseCalicoNodeStatus } from './calico-node-status.ts'
import { parseClusterInformation } from './cluster-information.ts'
import { parseEndpointSlice } from './endpoint-slice.ts'
import { parseFelixConfiguration } from './felix-configuration.ts'
import { parseHandle } from './handle.ts'
import { parseIpPool } from './ip-pool.ts'
import { parseIpReservation } from './ip-reservation.ts'
import { parseIpamConfiguration } from './ipam-configuration.ts'
import { parseNode } from './node.ts'
import type { Parsed } from './parse.ts'
import { parseService } from './service.ts'
import { parseWorkload } from './workload.ts'

const parsers: { readonly [K in AnyKind]: (document: Document<AnyKind>) => Parsed<Resources[K]> } = {
  IPPool: parseIpPool,
  Node: parseNode,
  BGPConfiguration: parseBgpConfiguration,
  BGPPeer: parseBgpPeer,
  BGPFilter: parseBgpFilter,
  FelixConfiguration: parseFelixConfiguration,
  ClusterInformation: parseClusterInformation,
  WorkloadEndpoint: parseWorkload,
  IPAMBlock: parseBlock,
  BlockAffinity: parseAffinity,
  IPAMHandle: parseHandle,
  IPAMConfiguration: parseIpamConfiguration,
  IPReservation: parseIpReservation,
  CalicoNodeStatus: parseCalicoNodeStatus,
  Service: parseService,
  EndpointSlice: parseEndpointSlice,
}

/** The resource a document stands for, defaults filled in, or what is wrong with it and what would be right. */
export function parseDocument(document: Document<AnyKind>): Parsed {
  return parsers[document.kind](document)
}
