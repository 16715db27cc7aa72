// Passwords of sessions, of which the plan knows whether they are there and whether they changed, and no more.
// Calico: confd/pkg/backends/calico/client.go, which makes a session without a password when there is none to be read.

import type { PasswordRef, PeerConfig } from '../bgp/types.ts'
import type { SecretRef } from '../cluster/model.ts'
import type { Facts } from './facts.ts'

/** What is known of one key of a Secret: `version` is another for another value, `warning` what is odd about it. */
export type SecretState =
  | { readonly version: number; readonly warning?: string }
  /** Why there is no value, and what would help. */
  | { readonly problem: string }

export function secretId({ name, key }: SecretRef): string {
  return `${name}/${key}`
}

/** Every key of a Secret that something refers to. */
export function secretRefs({ bgpPeers, bgpConfigurations }: Facts): SecretRef[] {
  const refs = [
    ...[...bgpPeers.values()].map(({ password }) => password),
    bgpConfigurations.get('default')?.meshPassword,
  ]
  return refs.filter((ref) => ref !== undefined)
}

/** The password of a session, or that it has to wait for one. */
export function passwordOf(ref: SecretRef | undefined, facts: Facts): Pick<PeerConfig, 'password' | 'held'> {
  if (!ref) return {}
  const state = facts.secrets.get(secretId(ref)) ?? { problem: 'has not been read yet' }
  if ('problem' in state) return { held: `password in Secret ${secretId(ref)}: ${state.problem}` }
  const password: PasswordRef = { name: ref.name, key: ref.key, version: state.version }
  return { password }
}

/** What a person should know of a password, beyond a session being held down for it. */
export function passwordWarning(ref: SecretRef | undefined, facts: Facts): string | undefined {
  const state = ref && facts.secrets.get(secretId(ref))
  if (!ref || !state || 'problem' in state || state.warning === undefined) return undefined
  return `password in Secret ${secretId(ref)}: ${state.warning}`
}
