// The name of this node in a file, for the CNI plugin: it takes no pod before the file is there (Calico
// node/pkg/lifecycle/utils, WriteNodeConfig).

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
export async function recordNodename(path: string, name: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  const draft = `${path}.${process.pid}` // nobody ever reads half a name
  try {
    await writeFile(draft, name, { mode: 0o644 })
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
