// What to type after a lab was made and left running.

import type { Lab } from './lab.ts'

export function nextSteps({ topology, state, name }: Lab): string {
  const node = topology.nodes[0]?.name
  const pod = state.pods[0]?.name
  return [
    'next:',
    node && `  npm run lab -- exec ${node} agent status`,
    node && `  npm run lab -- exec ${node} ip route`,
    pod && `  npm run lab -- exec ${pod} ping ${state.pods.at(-1)?.addresses[0]}`,
    `  npm run lab -- down ${name}`,
  ]
    .filter(Boolean)
    .join('\n')
}
