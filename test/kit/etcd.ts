// A real etcd server for tests: plain, with TLS and client certificates, with user and password.
//
// It lives in a temporary directory on ports of its own, can be killed and started again with its data,
// and goes away with the test, also when that fails.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { execa } from 'execa'
import { type Certificates, makeCertificates } from './certificates.ts'

const START_DEADLINE_MS = 60_000

export interface EtcdOptions {
  /** Serve `https` only, and ask clients for a certificate. */
  readonly tls?: boolean
  /** Switch authentication on, with one user that may do everything. */
  readonly user?: { readonly username: string; readonly password: string }
  /** Where it listens: this machine alone by default. */
  readonly host?: string
  /** For the directory of its data; that of temporary files by default. */
  readonly parent?: string
}

export interface EtcdServer {
  readonly url: string
  readonly certificates: Certificates | undefined
  /** Runs etcdctl against this server and returns what it prints. */
  ctl(...args: string[]): Promise<string>
  /** Ends the server at once, as a crash would. Its data stays. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Forgets all data of a server that does not run. */
  wipe(): Promise<void>
  /** Gives a server that does not run the data of a snapshot. `options` are those of `etcdctl snapshot restore`. */
  restore(snapshot: string, ...options: string[]): Promise<void>
}

/** What a test offers to clean up with: tap's `t`. */
export interface Teardown {
  teardown(cleanUp: () => Promise<void>): unknown
}

/** Starts a server that ends with the test. */
export async function startEtcd(t: Teardown, options: EtcdOptions = {}): Promise<EtcdServer> {
  const { host = '127.0.0.1', parent = tmpdir() } = options
  const directory = await mkdtemp(join(parent, 'caracal-etcd-'))
  const certificates = options.tls ? await makeCertificates(directory) : undefined
  const scheme = certificates ? 'https' : 'http'
  const [clientPort, peerPort] = await freePorts(2)
  const url = `${scheme}://${host}:${clientPort}`
  const peerUrl = `http://127.0.0.1:${peerPort}`
  const data = join(directory, 'data')
  const member = [
    ...['--name', 'test', '--initial-cluster', `test=${peerUrl}`],
    ...['--initial-advertise-peer-urls', peerUrl],
  ]
  const argv = [
    ...['--data-dir', data, '--logger', 'zap', '--log-outputs', 'stderr'],
    ...['--listen-client-urls', url, '--advertise-client-urls', url, '--listen-peer-urls', peerUrl],
    ...member,
    '--unsafe-no-fsync', // a killed process loses nothing by it; only a machine would
    ...(certificates ? serverTls(certificates) : []),
  ]
  let child: ChildProcess | undefined

  const server: EtcdServer = {
    url,
    certificates,
    async ctl(...args) {
      const user = options.user ? ['--user', `${options.user.username}:${options.user.password}`] : []
      const { stdout } = await etcdctl(url, certificates, [...user, ...args])
      return stdout
    },
    async kill() {
      const running = child
      child = undefined
      if (!running || running.exitCode !== null) return
      const ended = new Promise((resolve) => running.once('exit', resolve))
      running.kill('SIGKILL')
      await ended
    },
    async start() {
      child = await launch(argv)
    },
    wipe: () => rm(data, { recursive: true }),
    async restore(snapshot, ...options) {
      await server.wipe()
      const into = ['--data-dir', data, ...member, ...options]
      await etcdctl(url, certificates, ['snapshot', 'restore', snapshot, ...into])
    },
  }
  const lastResort = () => void child?.kill('SIGKILL')
  process.once('exit', lastResort)
  t.teardown(async () => {
    await server.kill()
    process.off('exit', lastResort)
    await rm(directory, { recursive: true, force: true })
  })
  await server.start()
  if (options.user) await enableUsers(url, certificates, options.user)
  return server
}

/** Resolves once etcd says that it serves clients. */
async function launch(argv: readonly string[]): Promise<ChildProcess> {
  const child = spawn('etcd', argv, { stdio: ['ignore', 'ignore', 'pipe'] })
  const { promise, resolve, reject } = Promise.withResolvers<ChildProcess>()
  const deadline = setTimeout(() => {
    child.kill('SIGKILL')
    reject(new Error(`etcd did not start within ${START_DEADLINE_MS} ms`))
  }, START_DEADLINE_MS)
  const lines: string[] = []
  createInterface({ input: child.stderr! }).on('line', (line) => {
    lines.push(line)
    if (/serving (insecure )?client (requests|traffic)/.test(line)) resolve(child)
  })
  child.once('error', reject)
  child.once('exit', () => reject(new Error(`etcd ended: ${lines.slice(-3).join('\n')}`)))
  return promise.finally(() => clearTimeout(deadline))
}

function serverTls(files: Certificates): string[] {
  return [
    ...['--cert-file', files.serverCertFile, '--key-file', files.serverKeyFile],
    ...['--client-cert-auth', '--trusted-ca-file', files.caFile],
  ]
}

/** etcd wants a user and a role named root before authentication can be switched on. */
async function enableUsers(
  url: string,
  certificates: Certificates | undefined,
  user: { username: string; password: string },
): Promise<void> {
  for (const command of [
    ['user', 'add', 'root:root-password'],
    ['user', 'grant-role', 'root', 'root'],
    ['user', 'add', `${user.username}:${user.password}`],
    ['user', 'grant-role', user.username, 'root'],
    ['auth', 'enable'],
  ]) {
    await etcdctl(url, certificates, command)
  }
}

function etcdctl(url: string, certificates: Certificates | undefined, args: readonly string[]) {
  const tls = certificates
    ? ['--cacert', certificates.caFile, '--cert', certificates.certFile, '--key', certificates.keyFile]
    : []
  return execa('etcdctl', ['--endpoints', url, ...tls, ...args], {
    env: { ETCDCTL_API: '3' },
    timeout: 30_000,
  })
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
