// Which iptables this host uses: two of them do not see each other's rules. Calico felix/environment (DetectBackend).

import type { Family } from '../../inet/address.ts'
import type { Backend } from './iptables-text.ts'
import type { OpenProgram } from './run.ts'

/** `ip6tables-nft-save`: the variants have names of their own wherever iptables comes from. */
export function iptables(family: Family, backend: Backend, what: 'save' | 'restore'): string {
  return `${family === 'ipv4' ? 'ip' : 'ip6'}tables-${backend}-${what}`
}

/** Asks the host. `wanted` other than auto is what is taken, whatever there is. */
export async function detectBackend(open: OpenProgram, wanted: Backend | 'auto'): Promise<Backend> {
  if (wanted !== 'auto') return wanted
  const [nft, legacy] = await Promise.all([everything(open, 'nft'), everything(open, 'legacy')])
  const chosen = chooseBackend(nft, legacy)
  return chosen === 'legacy' && !(await works(open, 'legacy')) ? 'nft' : chosen
}

/** From the output of iptables-save, both families in one. */
export function chooseBackend(nft: string, legacy: string): Backend {
  if (hasKubeletHint(nft)) return 'nft'
  if (hasKubeletHint(legacy)) return 'legacy'
  return rulesIn(nft) > rulesIn(legacy) ? 'nft' : 'legacy'
}

/** kubelet leaves a chain in the mangle table of the iptables it uses, for others to see. */
function hasKubeletHint(text: string): boolean {
  return /^\*mangle$[^*]*^:(KUBE-IPTABLES-HINT|KUBE-KUBELET-CANARY) /m.test(text)
}

function rulesIn(text: string): number {
  return text.match(/^-/gm)?.length ?? 0
}

/** All tables that there are. To ask the legacy one for a table by name would load its module. */
async function everything(open: OpenProgram, backend: Backend): Promise<string> {
  const families: readonly Family[] = ['ipv6', 'ipv4']
  const texts = families.map((family) =>
    open(iptables(family, backend, 'save'))
      .text()
      .catch(() => ''),
  )
  return (await Promise.all(texts)).join('\n')
}

/** Kernels without the legacy tables are built today. */
async function works(open: OpenProgram, backend: Backend): Promise<boolean> {
  return open(iptables('ipv4', backend, 'save'))
    .text('-t', 'nat')
    .then(
      () => true,
      () => false,
    )
}
