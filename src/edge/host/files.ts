// Small files on the host, in which neither a newline nor anything else follows the value: what the next run of the agent
// should know; for the CNI plugin the name of this node, before which it takes no pod (Calico node/pkg/lifecycle/utils,
// WriteNodeConfig), and the MTU of pods (felix/dataplane/linux/mtu.go); and when we stopped (SaveShutdownTimestamp).

import { existsSync, readFileSync } from 'node:fs'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What an earlier start left; undefined when there is no such file, or it is empty. */
export function recordedNodename(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}

/** Also when it is there already: its age tells how long ago the node started. @throws when it cannot be written */
export function recordNodename(path: string, name: string): Promise<void> {
  return replaceFile(path, name)
}

/** The MTU that interfaces of new pods get, in octets. @throws when it cannot be written */
export function recordMtu(path: string, mtu: number): Promise<void> {
  return replaceFile(path, `${mtu}`)
}

export interface KeptFile {
  /** Undefined: there is none. @throws when it cannot be read */
  read(): string | undefined
  /** Replaces all of it. @throws when it cannot be written */
  write(text: string): Promise<void>
}

/** A file for the agent alone. */
export function keptFile(path: string): KeptFile {
  return {
    read: () => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    write: (text) => replaceFile(path, text, 0o600),
  }
}

/** A number that the kernel makes up when it starts. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
}

/** The time at which we stopped, RFC 3339; undefined removes the file. @throws when it cannot be written or removed */
export async function recordShutdown(path: string, at: string | undefined): Promise<void> {
  if (at === undefined) await rm(path, { force: true })
  else await replaceFile(path, at)
}

/** Nobody ever reads half a text, and nobody but us what has another mode. */
export async function replaceFile(path: string, text: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}`
  try {
    await writeFile(draft, text, { mode })
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
