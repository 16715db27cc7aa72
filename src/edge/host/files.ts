// Files for the CNI plugin, in which neither a newline nor anything else follows the value: the name of this node, before
// which it takes no pod (Calico node/pkg/lifecycle/utils, WriteNodeConfig), and the MTU of pods (felix/dataplane/linux/mtu.go).

import { readFileSync } from 'node:fs'
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

/** Nobody ever reads half a text. */
async function replaceFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}`
  try {
    await writeFile(draft, text, { mode: 0o644 })
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
