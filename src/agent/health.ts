// What the probes are told. Calico felix/healthz: `/liveness`, `/readiness`; 200 is yes, 503 no, with the reasons.
//
// Alive: this page is answered, so the process turns, and no program it leans on has hung. Ready: what this node is to have
// is in force. Neighbours do not count: to restart our pod would not bring theirs back, and a rolling update that waits for
// all of them would never end. Once lost, contact with the datastore does not count either: what it said is still in force.

import type { AgentStatus } from '../edge/control/api.ts'
import type { Page } from '../edge/observe/pages.ts'

/** Why the node's own state is not in force, in sentences without a full stop. None: it is. */
export function unreadiness(
  { startup, kernel, frozenPolicy }: Pick<AgentStatus, 'startup' | 'kernel' | 'frozenPolicy'>,
  isCarriedOut: boolean,
): readonly string[] {
  const behind = kernel.filter(({ wanted, inForce }) => inForce < wanted)
  return [
    ...(startup.state === 'done'
      ? []
      : [`node start-up is not done: ${startup.reason ?? 'the datastore is not in sync'}`]),
    ...(isCarriedOut ? [] : ['the plan has not been carried out yet']),
    ...behind.map(({ name, wanted, inForce, refused }) => {
      const [first] = refused
      const reason = first ? `: ${first.key}: ${first.reason}` : ''
      return `${name}: ${wanted - inForce} of ${wanted} not in force${reason}`
    }),
    ...frozenPolicy.map((where) => `policy of calico-node is frozen in ${where}`),
  ]
}

/** `roundMs`: how long the kernel has been written to without coming to an end; `mostMs` as much as it may. */
export function liveness(roundMs: number, mostMs: number): Page {
  const hangs = mostMs > 0 && roundMs > mostMs
  return page(
    hangs ? [`a round of writes to the kernel has not ended for ${Math.round(roundMs / 1000)} s`] : [],
  )
}

export function page(reasons: readonly string[]): Page {
  return reasons.length === 0
    ? { status: 200, body: 'ok\n' }
    : { status: 503, body: reasons.map((reason) => `${reason}\n`).join('') }
}
