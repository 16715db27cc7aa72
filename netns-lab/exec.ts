// Commands on the machines of a lab, as a person there would type them: `agent`, `birdc` and `vtysh`
// ask those of that very machine.

import { join } from 'node:path'
import { familyOf } from '../src/inet/address.ts'
import { agentEnvironment } from './daemons/agent.ts'
import { birdSocket } from './daemons/bird.ts'
import { inside, type Outcome, outcome } from './kernel/run.ts'
import { commandPath, type Lab, LabError } from './lab.ts'
import { machines } from './topology/index.ts'

/** Environment of a command on a machine or in a pod. */
export function environmentOn(lab: Lab, name: string): Record<string, string> {
  const node = lab.topology.nodes.find((each) => each.name === name)
  return {
    PATH: commandPath(),
    HOME: join(lab.directory, name),
    TERM: process.env.TERM ?? 'dumb',
    BIRD_SOCKET: birdSocket(lab, name, 'ipv4'),
    BIRD6_SOCKET: birdSocket(lab, name, 'ipv6'),
    FRR_PATHSPACE: lab.namespaceOf(name),
    ETCDCTL_API: '3',
    ...(node && agentEnvironment(lab, node)),
  }
}

/** The namespace of a machine, a pod or a segment. @throws LabError when there is none of that name */
export function placeNamed(lab: Lab, name: string): string {
  const namespace = lab.namespaceOf(name)
  if (lab.state.namespaces.includes(namespace)) return namespace
  throw new LabError(`there is no ${name} in the lab ${lab.name}`)
}

/** Runs a line of shell there, to its end. */
export function shell(lab: Lab, name: string, line: string): Promise<Outcome> {
  return outcome(inside(placeNamed(lab, name), ['sh', '-c', line]), {
    env: environmentOn(lab, name),
    signal: lab.signal,
  })
}

/** The addresses of a pod or a machine; one that is an address already stands for itself. */
export function addressesOf(lab: Lab, to: string): string[] {
  const pod = lab.state.pods.find(({ name }) => name === to)
  const machine = machines(lab.topology).find(({ name }) => name === to)
  if (pod) return [...pod.addresses]
  if (machine) return machine.addresses.map(({ address }) => address)
  if (/[.:]/.test(to)) return [to]
  throw new LabError(`there is no ${to} in the lab ${lab.name}`)
}

/** Of those addresses, the ones a sender has the family for. */
export function reachableFrom(lab: Lab, from: string, to: string): string[] {
  const families = new Set(addressesOf(lab, from).map(familyOf))
  return addressesOf(lab, to).filter((address) => families.has(familyOf(address)))
}
