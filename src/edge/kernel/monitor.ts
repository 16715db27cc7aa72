// The kernel's own news: one long-lived `ip monitor`, read line by line (ip-monitor(8); iproute2 6.1 has no JSON here).

import { readFile } from 'node:fs/promises'
import { setTimeout as pause } from 'node:timers/promises'
import { type Cidr, parseCidr } from '../../inet/prefix.ts'
import { type KernelFdbEntry, parseFdbEvent } from './fdb.ts'
import type { PrintedRoute } from './kernel-route.ts'
import { isRunning } from './links.ts'
import { type PrintedNeighbor, parseNeighbor } from './neighbors.ts'
import { parseRoute } from './route-text.ts'
import type { Child, Program } from './run.ts'

export interface LinkEvent {
  readonly kind: 'link'
  readonly deleted: boolean
  readonly index: number
  readonly name: string
  readonly up: boolean
  readonly running: boolean
  readonly mtu: number
}

export interface AddressEvent {
  readonly kind: 'address'
  readonly deleted: boolean
  readonly device: string
  readonly address: Cidr
}

export type KernelEvent =
  | LinkEvent
  | AddressEvent
  | { readonly kind: 'route'; readonly deleted: boolean; readonly route: PrintedRoute }
  | { readonly kind: 'fdb'; readonly deleted: boolean; readonly entry: KernelFdbEntry }
  | { readonly kind: 'neighbor'; readonly deleted: boolean; readonly neighbor: PrintedNeighbor }

const PARSERS: Readonly<Record<string, (text: string, deleted: boolean) => KernelEvent | undefined>> = {
  LINK: linkEvent,
  ADDR: addressEvent,
  ROUTE: (text, deleted) => {
    const route = parseRoute(text)
    return route && { kind: 'route', deleted, route }
  },
  NEIGH: (text, deleted) => {
    const entry = parseFdbEvent(text)
    if (entry) return { kind: 'fdb', deleted, entry }
    const neighbor = parseNeighbor(text)
    return neighbor && { kind: 'neighbor', deleted, neighbor }
  },
}

/** Reads one line of `ip -N -o -d monitor label …`; undefined when it says nothing that we know. */
export function parseEvent(line: string): KernelEvent | undefined {
  const [, label = '', deleted, text = ''] = /^\[(\w+)\](Deleted )?(.*)$/.exec(line) ?? []
  return PARSERS[label]?.(text, deleted !== undefined)
}

function linkEvent(text: string, deleted: boolean): LinkEvent | undefined {
  const [, index, name, flags, mtu] = /^(\d+): ([^@:]+)(?:@[^:]*)?: <([^>]*)> mtu (\d+)/.exec(text) ?? []
  if (index === undefined || name === undefined || flags === undefined) return undefined
  const words = flags.split(',')
  return {
    kind: 'link',
    deleted,
    index: Number(index),
    name,
    up: words.includes('UP'),
    running: isRunning(words),
    mtu: Number(mtu),
  }
}

function addressEvent(text: string, deleted: boolean): AddressEvent | undefined {
  const [, device, cidr = ''] = /^\d+: (\S+)\s+inet6? (\S+)/.exec(text) ?? []
  const address = parseCidr(cidr)
  return device !== undefined && address ? { kind: 'address', deleted, device, address } : undefined
}

export interface MonitorHandlers {
  onEvent(event: KernelEvent): void
  /** Events may have been lost, for the reason given: what is known from earlier ones must be read again. */
  onLost(reason: string): void
}

export interface Monitor {
  /** Resolves when the first process is listening: what happens later is told. */
  readonly ready: Promise<void>
  close(): Promise<void>
}

/** Room for a burst of events while we are busy, in bytes. The kernel takes no more than net.core.rmem_max. */
const RECEIVE_BUFFER = 8 * 1024 * 1024
const MONITOR = ['-rcvbuf', `${RECEIVE_BUFFER}`, '-N', '-o', '-d', 'monitor', 'label']
const RESTART_MS = 100
const LISTENING_DEADLINE_MS = 2_000
const LISTENING_POLL_MS = 2

/** What it can tell of, of both families. */
export type Watched = 'link' | 'address' | 'route' | 'neigh'

/** Follows these objects until closed. */
export function openMonitor(
  ip: Program,
  objects: readonly Watched[],
  { onEvent, onLost }: MonitorHandlers,
): Monitor {
  let child: Child | undefined
  const closing = new AbortController()

  const begin = async (): Promise<void> => {
    child = ip.start([...MONITOR, ...objects], {
      stdout: (line) => {
        const event = parseEvent(line)
        if (event) onEvent(event)
      },
      stderr: (line) => onLost(line), // `netlink receive error No buffer space available`; it goes on by itself
    })
    void restartAfter(child)
    await isListening(child)
  }

  const restartAfter = async (ended: Child): Promise<void> => {
    const { how } = await ended.ended
    await pause(RESTART_MS, undefined, { signal: closing.signal }).catch(() => {})
    if (closing.signal.aborted) return
    await begin()
    onLost(`ip monitor ended (${how})`)
  }

  return {
    ready: begin(),
    close: async () => {
      closing.abort()
      child?.kill()
      await child?.ended
    },
  }
}

/** It says nothing when it begins to listen, but its netlink socket then is a member of groups. */
export async function isListening({ pid, ended }: Child): Promise<void> {
  let over = pid === undefined
  void ended.then(() => {
    over = true
  })
  const deadline = performance.now() + LISTENING_DEADLINE_MS
  while (!over && performance.now() < deadline) {
    const table = await readFile(`/proc/${pid}/net/netlink`, 'utf8').catch(() => '')
    if (hasGroups(table, pid!)) return
    await pause(LISTENING_POLL_MS)
  }
}

/** Columns of /proc/net/netlink: address of the socket, protocol, port number, groups in hexadecimal. */
function hasGroups(table: string, pid: number): boolean {
  return table.split('\n').some((line) => {
    const [, , port, groups = '0'] = line.trim().split(/\s+/)
    return port === `${pid}` && Number.parseInt(groups, 16) !== 0
  })
}
