// The datastore of a lab: a directory that all nodes see, or a host of the first segment with a real etcd or with the
// double of the Kubernetes API.

import { existsSync, mkdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { type Address, familyBits, familyOf } from '../../src/inet/address.ts'
import { nthAddress, type Prefix, prefixLength } from '../../src/inet/prefix.ts'
import { type ApiServerSettings, kubeconfigIn } from '../cluster/api-server.ts'
import { openStore, openStoreInside, type Store } from '../cluster/store.ts'
import { addMachine, cable } from '../kernel/network.ts'
import { inside, outcome } from '../kernel/run.ts'
import { type Lab, startProcess, stopProcess } from '../lab.ts'
import type { StoreType } from '../state.ts'
import { type Machine, machines, type Topology } from '../topology/index.ts'
import { until } from '../until.ts'

export const etcdHost = 'etcd'
const apiHost = 'api'

/** What a story may do to a datastore. */
export type StoreEvent = 'cut' | 'mend' | 'kill' | 'start'

export interface LabDatastore {
  /** Environment of an agent that uses it. */
  readonly environment: Readonly<Record<string, string>>
  /** Starts whatever it consists of. */
  start(lab: Lab): Promise<void>
  /** The lab's own access, also while nodes have none because it is cut off. */
  open(lab: Pick<Lab, 'namespaceOf'>): Store
  /** `cut` and `mend`: the nodes cannot reach it, and can again. `kill` and `start`: it crashes, and is back with its data. */
  readonly on: Readonly<Record<StoreEvent, (lab: Lab) => Promise<void>>>
}

/** The datastore for a topology, whose files lie in `directory`. */
export function labDatastore(type: StoreType, topology: Topology, directory: string): LabDatastore {
  return makers[type](topology, directory)
}

const makers: Readonly<Record<StoreType, (topology: Topology, directory: string) => LabDatastore>> = {
  file: (_, directory) => fileStore(join(directory, 'datastore')),
  etcd: etcdStore,
  kubernetes: kubernetesApi,
}

/** Away is a directory under another name: the nodes find nothing where it was. */
function fileStore(path: string): LabDatastore {
  const away = `${path}.away`
  const leave = async (): Promise<void> => renameSync(path, away)
  const comeBack = async (): Promise<void> => renameSync(away, path)
  return {
    environment: { DATASTORE_TYPE: 'file', CALICO_DATASTORE_PATH: path },
    start: async () => void mkdirSync(path, { recursive: true }),
    open: () => eitherOf(openStore({ type: 'file', path }), openStore({ type: 'file', path: away }), path),
    on: { cut: leave, mend: comeBack, kill: leave, start: comeBack },
  }
}

function eitherOf(here: Store, away: Store, path: string): Store {
  const now = (): Store => (existsSync(path) ? here : away)
  return {
    get: (...args) => now().get(...args),
    list: (...args) => now().list(...args),
    create: (...args) => now().create(...args),
    update: (...args) => now().update(...args),
    delete: (...args) => now().delete(...args),
    close: async () => void (await Promise.all([here.close(), away.close()])),
  }
}

function etcdStore(topology: Topology, directory: string): LabDatastore {
  const machine = machineFor(topology, etcdHost)
  const [{ address }] = machine.addresses as [Machine['addresses'][0]]
  const url = `http://${familyOf(address) === 'ipv6' ? `[${address}]` : address}:2379`
  const local = 'http://127.0.0.1:2379'
  const launch = (lab: Lab): Promise<void> => launchEtcd(lab, directory, { url, local })
  return {
    environment: { DATASTORE_TYPE: 'etcdv3', ETCD_ENDPOINTS: url },
    async start(lab) {
      await addMachine(lab, machine)
      await launch(lab)
    },
    open: ({ namespaceOf }) => openStoreInside(namespaceOf(etcdHost), { type: 'etcdv3', endpoints: [local] }),
    on: {
      cut: (lab) => cable(lab, machine, 'down'),
      mend: (lab) => cable(lab, machine, 'up'),
      kill: (lab) => stopProcess(lab, etcdHost, 'SIGKILL'),
      start: launch,
    },
  }
}

function kubernetesApi(topology: Topology, directory: string): LabDatastore {
  const machine = machineFor(topology, apiHost)
  const [{ address }] = machine.addresses as [Machine['addresses'][0]]
  const home = join(directory, apiHost)
  const kubeconfig = kubeconfigIn(home)
  const launch = (lab: Lab): Promise<void> => launchApi(lab, { host: address, port: 6443, home })
  return {
    environment: { DATASTORE_TYPE: 'kubernetes', KUBECONFIG: kubeconfig },
    async start(lab) {
      await addMachine(lab, machine)
      await launch(lab)
    },
    open: ({ namespaceOf }) => openStoreInside(namespaceOf(apiHost), { type: 'kubernetes', kubeconfig }),
    on: {
      cut: (lab) => cable(lab, machine, 'down'),
      mend: (lab) => cable(lab, machine, 'up'),
      kill: (lab) => stopProcess(lab, apiHost, 'SIGKILL'),
      start: launch,
    },
  }
}

/** A host with the last address of the first subnet that nobody has. */
function machineFor(topology: Topology, name: string): Machine {
  const [segment] = topology.segments
  const prefix = segment!.subnets[0]!
  const taken = new Set(
    machines(topology).flatMap(({ addresses }) => addresses.map(({ address }) => address)),
  )
  const address = hostsFromTheEnd(prefix).find((candidate) => !taken.has(candidate))!
  return { name, addresses: [{ address, prefix }], routes: [], bird: undefined, frr: undefined }
}

/** The last hundred or so, without the broadcast address. */
function hostsFromTheEnd(subnet: Prefix): Address[] {
  const hosts = 2 ** Math.min(familyBits(familyOf(subnet)) - prefixLength(subnet), 16) - 2
  return Array.from({ length: Math.min(hosts, 100) }, (_, i) => nthAddress(subnet, hosts - i))
}

async function launchEtcd(
  lab: Lab,
  directory: string,
  { url, local }: { url: string; local: string },
): Promise<void> {
  const peer = 'http://127.0.0.1:2380'
  await startProcess(lab, {
    name: etcdHost,
    machine: etcdHost,
    argv: [
      ...['etcd', '--name', 'lab', '--data-dir', join(directory, 'etcd', 'data')],
      ...['--listen-client-urls', `${url},${local}`, '--advertise-client-urls', url],
      ...['--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer],
      ...['--initial-cluster', `lab=${peer}`],
    ],
    environment: {},
    log: 'etcd.log',
  })
  const health = inside(lab.namespaceOf(etcdHost), ['etcdctl', '--endpoints', local, 'endpoint', 'health'])
  const healthy = await until(
    async () => (await outcome(health, { env: { ETCDCTL_API: '3' }, signal: lab.signal })).code === 0,
    { deadlineMs: 30_000, signal: lab.signal },
  )
  if (!healthy)
    throw new Error(`etcd does not answer within 30 s; see ${join(directory, 'etcd', 'etcd.log')}`)
}

async function launchApi(lab: Lab, settings: ApiServerSettings): Promise<void> {
  await startProcess(lab, {
    name: apiHost,
    machine: apiHost,
    argv: [
      process.execPath,
      join(import.meta.dirname, '..', 'cluster', 'api-server.ts'),
      JSON.stringify(settings),
    ],
    environment: {},
    log: 'api.log',
  })
  const answers = (): Promise<boolean> =>
    lab.store
      .list('IPPool')
      .then(() => true)
      .catch(() => false)
  if (!(await until(answers, { deadlineMs: 30_000, signal: lab.signal })))
    throw new Error(`the Kubernetes API does not answer within 30 s; see ${join(settings.home, 'api.log')}`)
}
