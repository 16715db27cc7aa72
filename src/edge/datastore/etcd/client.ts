// The connection to etcd: one endpoint at a time, renewed after every trouble.
//
// A new connection takes the next endpoint and reads the certificates again, since a mounted secret may have been
// rotated. The package's own retries and circuit breakers are switched off: a write that was repeated without our
// knowledge would meet its own result and call it a conflict, and an open breaker hides the reason of the failure.

import { readFile } from 'node:fs/promises'
import { rootCertificates } from 'node:tls'
import type { Etcd3, IOptions } from 'etcd3'

/** Calico's dial timeout, used for every call that is not a stream. */
const CALL_DEADLINE_MS = 10_000

/**
 * Calico pings every 30 s; etcd accepts one every 5 s. This finds a dead path in 20 s at most.
 * Not while nothing is under way: etcd hangs up on who pings without a call.
 */
const CHANNEL_OPTIONS = {
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 10_000,
  'grpc.max_receive_message_length': -1,
}

export interface EtcdSettings {
  /** `http://` or `https://` URLs; a bare `host:port` counts as `http://`. */
  readonly endpoints: readonly string[]
  readonly caFile?: string | undefined
  readonly certFile?: string | undefined
  readonly keyFile?: string | undefined
  readonly username?: string | undefined
  readonly password?: string | undefined
}

export interface Connection {
  /** Where the current, or else the next, client connects to. */
  endpoint(): string
  /** The client in use, made if there is none. @throws when certificates cannot be read */
  client(): Promise<Etcd3>
  /** Gives up a client that had trouble; the next one tries another endpoint. */
  drop(client: Etcd3): void
  close(): void
}

/**
 * A connection that is made on first use. It begins at a random endpoint, so that nodes spread over the members.
 *
 * @throws when the settings contradict themselves, TypeError for an endpoint that is no URL
 */
export function connection(settings: EtcdSettings): Connection {
  if (Boolean(settings.certFile) !== Boolean(settings.keyFile)) {
    throw new Error('ETCD_CERT_FILE and ETCD_KEY_FILE belong together: set both or none')
  }
  const urls = settings.endpoints.map(toUrl)
  let turn = Math.floor(Math.random() * urls.length)
  let pending: Promise<Etcd3> | undefined
  let live: Etcd3 | undefined

  function endpoint(): string {
    return urls[turn % urls.length]!.origin
  }

  function forget(): void {
    pending = undefined
    live = undefined
    turn++
  }

  async function renew(): Promise<Etcd3> {
    try {
      live = await connect(settings, endpoint())
      return live
    } catch (error) {
      forget()
      throw error
    }
  }

  return {
    endpoint,
    client() {
      pending ??= renew()
      return pending
    },
    drop(client) {
      if (client === live) forget()
      client.close()
    },
    close() {
      pending?.then((client) => client.close()).catch(() => {}) // a client that failed to be made needs no closing
    },
  }
}

async function connect(settings: EtcdSettings, endpoint: string): Promise<Etcd3> {
  const [{ Etcd3 }, { noop }] = await Promise.all([import('etcd3'), import('cockatiel')])
  const { username, password } = settings
  return new Etcd3({
    hosts: [endpoint],
    ...(endpoint.startsWith('https:') ? { credentials: await credentials(settings) } : {}),
    ...(username && password ? { auth: { username, password } } : {}),
    grpcOptions: CHANNEL_OPTIONS,
    defaultCallOptions: ({ isStream }) => (isStream ? {} : { deadline: Date.now() + CALL_DEADLINE_MS }),
    faultHandling: { global: noop, host: () => noop },
  })
}

async function credentials(settings: EtcdSettings): Promise<NonNullable<IOptions['credentials']>> {
  const { caFile, certFile, keyFile } = settings
  const rootCertificate = caFile ? await readFile(caFile) : Buffer.from(rootCertificates.join('\n'))
  if (!certFile || !keyFile) return { rootCertificate }
  return { rootCertificate, certChain: await readFile(certFile), privateKey: await readFile(keyFile) }
}

/** @throws TypeError for what is no URL */
function toUrl(endpoint: string): URL {
  const text = endpoint.trim()
  const url = new URL(/^https?:\/\//.test(text) ? text : `http://${text}`)
  if (url.port === '') url.port = '2379'
  return url
}
