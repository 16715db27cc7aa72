// The kubernetes feed and its API server in virtual time: sockets are real, pauses and deadlines are not. Time goes on when
// nothing is under way that the network still owes somebody.

import type { IncomingMessage } from 'node:http'
import { setImmediate as turn } from 'node:timers/promises'
import type { Test } from 'tap'
import { apiClient, type Client } from '../../../src/edge/datastore/kubernetes/client.ts'
import type { KubernetesSettings } from '../../../src/edge/datastore/kubernetes/config.ts'
import { feedTiming } from '../../../src/edge/datastore/kubernetes/feed.ts'
import { kubernetesDatastore } from '../../../src/edge/datastore/kubernetes/index.ts'
import { seeded } from '../ipam.ts'
import { FakeClock } from '../reconciler.ts'
import { type RecordingSink, recordingSink } from '../sink.ts'
import { type KubernetesServer, startKubernetes, TOKEN } from './server.ts'

export interface VirtualCluster {
  readonly server: KubernetesServer
  readonly clock: FakeClock
  /** A feed from now on, as a node has it. One at a time. */
  follow(settings?: KubernetesSettings): Promise<VirtualFeed>
}

export interface VirtualFeed {
  readonly sink: RecordingSink
  /** How many requests were sent, whether or not anybody took them. */
  asked(): number
  /** What has come of its watches and was not read yet, in octets. */
  unread(): number
  /** Lets so many milliseconds pass, one timer after the other. */
  pass(ms: number): Promise<void>
  close(): Promise<void>
}

export async function virtualCluster(t: Test): Promise<VirtualCluster> {
  const clock = new FakeClock()
  clock.random = seeded(1)
  const server = await startKubernetes(t, { clock })
  return {
    server,
    clock,
    async follow(settings) {
      const given = settings ?? { kubeconfig: await server.kubeconfig(TOKEN) }
      const client = watched(apiClient(given, clock))
      const store = kubernetesDatastore({ nodename: 'node-a' }, feedTiming, client)
      const isIdle = () => client.calls === server.silent && client.streams.size === server.watches.size

      async function close(): Promise<void> {
        await store.close()
        client.close()
        await settle(isIdle)
      }
      t.teardown(close)
      const sink = recordingSink()
      store.watch(sink)
      return {
        sink,
        asked: () => client.asked,
        unread: () => [...client.streams].reduce((sum, { readableLength }) => sum + readableLength, 0),
        pass: (ms) => pass(clock, ms, isIdle),
        close,
      }
    },
  }
}

interface Watched extends Client {
  readonly asked: number
  /** How many have no answer yet. */
  readonly calls: number
  /** Answers that are not at their end. */
  readonly streams: ReadonlySet<IncomingMessage>
}

function watched(client: Client): Watched {
  const streams = new Set<IncomingMessage>()
  let asked = 0
  let calls = 0

  function counted<T>(work: Promise<T>): Promise<T> {
    asked++
    calls++
    return work.finally(() => calls--)
  }

  return {
    ...client,
    call: (path, request) => counted(client.call(path, request)),
    async stream(path, request) {
      const stream = await counted(client.stream(path, request))
      streams.add(stream)
      stream.once('close', () => streams.delete(stream))
      return stream
    },
    get asked() {
      return asked
    },
    get calls() {
      return calls
    },
    streams,
  }
}

async function pass(clock: FakeClock, ms: number, isIdle: () => boolean): Promise<void> {
  const end = clock.now() + ms
  await settle(isIdle)
  for (let next = clock.next(); next !== undefined && next <= end; next = clock.next()) {
    clock.advance(Math.max(0, next - clock.now()))
    await settle(isIdle)
  }
  clock.advance(end - clock.now())
}

const DEADLINE_MS = 15_000

/**
 * Until nothing is under way, and nothing follows from what has just come. Both ends of every connection are in this
 * process: to let it turn is all the waiting there is.
 */
async function settle(isIdle: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE_MS
  for (let idle = 0; idle < 3; idle = isIdle() ? idle + 1 : 0) {
    if (performance.now() > deadline) throw new Error(`still under way after ${DEADLINE_MS} ms`)
    await turn()
  }
}
