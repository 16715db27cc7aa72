// `agent status`: what `calicoctl node status` of Calico v3.33 prints, then what this agent knows beyond it.

import type { PeerView } from '../bgp/types.ts'
import type {
  AgentStatus,
  DatastoreStatus,
  KernelStatus,
  Listening,
  StartupStatus,
} from '../edge/control/api.ts'
import type { Family } from '../inet/address.ts'
import type { Question } from './command.ts'
import { type Column, framed, plain } from './table.ts'
import { count, listed, printable, problemLine, since } from './text.ts'

export const status: Question<'/status'> = {
  path: '/status',
  text: statusText,
  good: (answer) => ailments(answer).length === 0,
}

const families: readonly (readonly [Family, string])[] = [
  ['ipv4', 'IPv4'],
  ['ipv6', 'IPv6'],
]

const peerTypes: Readonly<Record<PeerView['kind'], string>> = {
  mesh: 'node-to-node mesh',
  global: 'global',
  node: 'node specific',
  workload: 'local workload',
}

/** The whole page. Its first part is fixed by calicoctl, to the letter. */
export function statusText(answer: AgentStatus, now: number): string {
  return [
    'Calico process is running.\n',
    ...(answer.backend === 'bird'
      ? families.map(([family, label]) => peerSection(label, peersOf(answer, family), now))
      : [`BGP is off: the networking backend is ${answer.backend}.\n`]),
    listed('What may help:', answer.bgp.peers.flatMap(adviceLine)),
    nodeSection(answer, now),
    datastoreSection(answer.datastore, now),
    startupSection(answer.startup),
    kernelSection(answer.kernel),
    listed(FROZEN, answer.frozenPolicy),
    listed('Warnings:', [...answer.warnings, ...answer.bgp.peers.flatMap(peerWarning)]),
    verdict(answer),
  ]
    .filter((section) => section !== '')
    .join('\n')
}

const FROZEN =
  'Policy that calico-node left and nobody keeps up to date, so that packets of new pods are dropped; ' +
  'CARACAL_REMOVE_POLICY_CHAINS=true removes it:'

/** Why this node is not healthy, in sentences without a full stop. None: it is. */
export function ailments({
  backend,
  datastore,
  startup,
  bgp,
  kernel,
  frozenPolicy,
}: AgentStatus): readonly string[] {
  const down = bgp.peers.filter(({ state }) => state !== 'Established').length
  const refused = kernel.reduce((sum, kind) => sum + kind.refused.length, 0)
  const deaf = Object.values(bgp.listening).some((l) => 'reason' in l && !l.intended)
  return [
    datastore.state === 'in-sync' ? '' : 'the datastore is not in sync',
    datastore.problems.length > 0 ? `the datastore has ${count(datastore.problems.length, 'problem')}` : '',
    startup.state === 'failed' ? 'node start-up failed' : '',
    startup.state === 'waiting' && datastore.state === 'in-sync' ? 'node start-up is not done' : '',
    backend === 'bird' && deaf ? 'BGP connections are not taken' : '',
    down > 0 ? `${down} of ${count(bgp.peers.length, 'BGP session')} not established` : '',
    refused > 0 ? `the kernel refuses ${refused} of what is wanted` : '',
    frozenPolicy.length > 0 ? 'policy of calico-node is frozen' : '',
  ].filter((sentence) => sentence !== '')
}

function peersOf({ bgp }: AgentStatus, family: Family): readonly PeerView[] {
  const kinds = Object.keys(peerTypes)
  return bgp.peers
    .filter(({ address }) => address.includes(':') === (family === 'ipv6'))
    .sort(
      (a, b) =>
        kinds.indexOf(a.kind) - kinds.indexOf(b.kind) ||
        a.address.localeCompare(b.address, 'en', { numeric: true }) ||
        a.port - b.port,
    )
}

function peerSection(label: string, peers: readonly PeerView[], now: number): string {
  const body = peers.length === 0 ? `No ${label} peers found.\n` : framed(peerColumns(now), peers)
  return `${label} BGP status\n${body}`
}

function peerColumns(now: number): readonly Column<PeerView>[] {
  return [
    ['PEER ADDRESS', ({ address, port }) => (port === 179 ? address : `${address} port ${port}`)],
    ['PEER TYPE', ({ kind }) => peerTypes[kind]],
    // The states of a BIRD protocol, of which a BGP session shows two as a rule.
    ['STATE', ({ state }) => (state === 'Established' ? 'up' : 'start')],
    ['SINCE', (peer) => since(peer.since, now)],
    ['INFO', ({ state, lastError }) => (lastError ? `${state} ${lastError}` : state)],
  ]
}

/** That the peer is the one who dials is no trouble: half of a young mesh waits so. */
function adviceLine({ address, state, lastError, advice }: PeerView): string[] {
  const isFine = state === 'Established' || (state === 'Passive' && lastError === undefined)
  return isFine || advice === undefined ? [] : [`${address}: ${advice}`]
}

function peerWarning({ address, warning }: PeerView): string[] {
  return warning === undefined ? [] : [`BGP peer ${address} ${warning}`]
}

function nodeSection({ node, version, pid, startedAt, backend, bgp }: AgentStatus, now: number): string {
  const lines = [`Node ${node}: agent ${version}, process ${pid}, running since ${since(startedAt, now)}.`]
  if (backend === 'bird')
    lines.push(
      `BGP: router ID ${bgp.routerId ?? 'not known yet'}, AS ${bgp.asn ?? 'not known yet'}.`,
      ...families.map(([family, label]) => `${label}: ${listening(bgp.listening[family])}.`),
      ...counted('Connections refused', bgp.refused),
      ...counted('Segments dropped by the kernel', bgp.dropped),
    )
  return `${lines.map(printable).join('\n')}\n`
}

function listening(where: Listening): string {
  return 'endpoint' in where ? `listening on ${where.endpoint}` : `not listening: ${where.reason}`
}

/** A line once there are any. */
function counted(what: string, times: Readonly<Record<string, number>>): string[] {
  const some = Object.entries(times).filter(([, times]) => times > 0)
  if (some.length === 0) return []
  return [`${what}: ${some.map(([reason, times]) => `${times} (${reason})`).join(', ')}.`]
}

const datastoreStates: Readonly<Record<DatastoreStatus['state'], (at: string) => string>> = {
  waiting: (at) => `waiting for contact since ${at}; routes stay as they are`,
  synchronising: (at) => `reading since ${at}; nothing is removed before all of it is read`,
  'in-sync': (at) => `in sync since ${at}`,
}

function datastoreSection({ type, state, since: at, problems }: DatastoreStatus, now: number): string {
  return (
    `Datastore ${type}: ${datastoreStates[state](since(at, now))}.\n` +
    listed('Problems; the last good version of everything stays in force:', problems.map(problemLine))
  )
}

/** Nothing to say once it is done, or while it waits for what the page tells already. */
function startupSection({ state, reason }: StartupStatus): string {
  if (reason === undefined) return ''
  const what = state === 'failed' ? 'Node start-up failed, tried again' : 'Node start-up waits'
  return `${printable(`${what}: ${reason}`)}.\n`
}

const kernelColumns: readonly Column<KernelStatus>[] = [
  ['KERNEL', ({ name }) => name],
  ['WANTED', ({ wanted }) => String(wanted), 'right'],
  ['IN FORCE', ({ inForce }) => String(inForce), 'right'],
  ['REFUSED', ({ refused }) => String(refused.length), 'right'],
  ['REPAIRS', ({ repairs }) => String(repairs), 'right'],
]

function kernelSection(kinds: readonly KernelStatus[]): string {
  if (kinds.length === 0) return ''
  const refused = kinds.flatMap(({ name, refused }) =>
    refused.map(({ key, reason, attempts }) => `${name} ${key}: ${reason} (attempt ${attempts})`),
  )
  return plain(kernelColumns, kinds) + listed('Refused by the kernel, tried again:', refused)
}

function verdict(answer: AgentStatus): string {
  const reasons = ailments(answer)
  return reasons.length === 0 ? 'Healthy.\n' : `Not healthy: ${reasons.join('; ')}.\n`
}
