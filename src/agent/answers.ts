// What the agent answers when somebody asks why: routes of the plan, paths and peers of BGP.

import type { BfdView } from '../bfd/view.ts'
import type { RankedPath } from '../bgp/rib/rib.ts'
import type { Speaker } from '../bgp/speaker.ts'
import type { Path, PeerView } from '../bgp/types.ts'
import {
  type AdvertisedView,
  type ExplainView,
  type PathView,
  type PeerAnswer,
  type PrefixView,
  QuestionError,
} from '../edge/control/api.ts'
import type { Routes } from '../edge/control/server.ts'
import type { Kernel } from '../edge/kernel/kernel.ts'
import { routeLine } from '../edge/kernel/route-text.ts'
import { parseAddress } from '../inet/address.ts'
import {
  hostPrefix,
  type Prefix,
  parsePrefix,
  prefixAddress,
  prefixLength,
  prefixOf,
} from '../inet/prefix.ts'
import type { Declined } from '../plan/offer.ts'
import type { Plan } from '../plan/plan.ts'
import type { Route } from '../plan/wanted.ts'
import type { Peering } from './peering.ts'
import { type ResetOrder, resetOf } from './resets.ts'

/** Whom the answers are asked of. */
export interface Asked {
  readonly plan: Plan
  readonly kernel: Kernel
  readonly peering: Peering
}

/** The questions beyond status and settings. */
export function answers(asked: Asked): Omit<Routes, '/status' | '/config'> {
  const { plan, peering } = asked
  const speaker = (): Speaker => {
    if (peering.speaker) return peering.speaker
    throw new QuestionError('BGP has not begun: the agent waits for its datastore')
  }
  return {
    '/explain': ({ destination }) => explain(destination, asked),
    '/bgp/peers': ({ peer }) => {
      const peers = peer === undefined ? speaker().peers() : [peerNamed(peer, speaker())]
      return peers.map((peer) => withBfd(peer, peering.bfd(peer.name)))
    },
    '/bgp/routes': ({ prefix }) => paths(prefix, speaker()),
    '/bgp/received': ({ peer }) => received(peerNamed(peer, speaker()), speaker()),
    '/bgp/advertised': ({ peer }) => advertised(peerNamed(peer, speaker()), speaker(), plan),
    '/bgp/reset': ({ peer, ...order }) => reset(peerNamed(peer, speaker()), order, peering),
  }
}

/** Every prefix of the plan that holds a destination, the longest first. @throws QuestionError */
function explain(text: string, asked: Asked): ExplainView {
  const destination = destinationOf(text)
  const prefixes = covering(destination)
    .map((prefix) => prefixView(prefix, asked))
    .filter(({ route, sources }) => route !== undefined || sources.length > 0)
  return { destination, prefixes }
}

/** The best paths of all destinations, or all paths of one. @throws QuestionError */
function paths(prefix: string | undefined, { rib }: Speaker): PathView[] {
  if (prefix === undefined) return [...rib.bests()].map((path) => pathView({ path, lostBy: undefined }))
  return rib.paths(destinationOf(prefix)).map(pathView)
}

function received(peer: PeerView, { rib }: Speaker): PathView[] {
  return [...rib.receivedFrom(peer.name)].map(pathView)
}

function advertised(peer: PeerView, { rib }: Speaker, { originations }: Plan): AdvertisedView[] {
  return [...rib.advertisedTo(peer.name)].map((route) => {
    const because = originations.get(route.prefix)?.because
    return { ...route, ...(because !== undefined && { because }) }
  })
}

/** A peer by its address, however it is spelt. @throws QuestionError */
function peerNamed(text: string, speaker: Speaker): PeerView {
  const peers = speaker.peers()
  const address = parseAddress(text)
  const found = peers.find((peer) => peer.name === text || peer.address === address)
  if (found) return found
  const known = peers.map((peer) => peer.address).join(', ') || 'none'
  throw new QuestionError(`there is no peer ${text}; peers of this node: ${known}`)
}

function withBfd(peer: PeerView, bfd: BfdView | undefined): PeerAnswer {
  return { ...peer, ...(bfd && { bfd }) }
}

/** @throws QuestionError */
function reset(peer: PeerView, order: ResetOrder, peering: Peering): { done: string } {
  const { done, events } = resetOf(peer, order)
  for (const event of events) peering.step(event)
  return { done }
}

function destinationOf(text: string): Prefix {
  const address = parseAddress(text)
  const prefix = address ? hostPrefix(address) : parsePrefix(text)
  if (prefix) return prefix
  throw new QuestionError(`${text} is neither an address like 10.1.2.3 nor a prefix like 10.1.2.0/26`)
}

function covering(destination: Prefix): Prefix[] {
  const lengths = Array.from({ length: prefixLength(destination) + 1 }, (_, shorter) => shorter).reverse()
  return lengths.map((length) => prefixOf(prefixAddress(destination), length))
}

function prefixView(prefix: Prefix, asked: Asked): PrefixView {
  const { plan } = asked
  const { routes } = asked.kernel
  const route = plan.route(prefix)
  const offers = plan.explain(prefix).map(({ source, offer }) => ({ source, says: says(offer) }))
  const sources = [...offers, ...announcements(prefix, asked)]
  if (!route) return { prefix, sources }
  const refused = routes.view().refused.find(({ key }) => key === prefix)
  const kernel = refused ? { refused: refused.reason } : routes.inForce(prefix) ? 'in force' : 'not there yet'
  return { prefix, route: routeLine(route), kernel, sources }
}

/** What is said of a prefix to the peers, and why not where it is the address of a service. */
function announcements(prefix: Prefix, { plan, peering }: Asked): PrefixView['sources'] {
  const because = plan.originations.get(prefix)?.because
  const untold = plan.services(prefix).filter(({ isAnnounced }) => !isAnnounced)
  const waits = peering.announces(prefix)
    ? ''
    : `, once there is a route to ${plan.leansOn(prefix).join(' or ')}`
  return [
    ...(because === undefined ? [] : [{ source: 'announced', says: `${because}${waits}` }]),
    ...untold.map(({ id, because }) => ({ source: 'not announced', says: `service ${id}: ${because}` })),
  ]
}

function says(offer: Route | Declined): string {
  return 'declined' in offer ? `no route: ${offer.declined}` : `${routeLine(offer)} (${offer.because})`
}

function pathView({ path, lostBy }: Pick<RankedPath, 'path' | 'lostBy'>): PathView {
  const { prefix, peer, attributes }: Path = path
  return { prefix, peer, attributes, ...(lostBy !== undefined && { lostBy }) }
}
