// Values below /proc/sys. Asserted, never put back: nobody knows who else has come to count on them.
//
// There are no events for them and no list of ours, so `read` looks at those we have
// put; the slow reading of everything finds those that others changed.

import { readFileSync } from 'node:fs'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Sysctl } from '../../plan/wanted.ts'
import type { Kind, Refused } from '../../reconcile/kind.ts'

export interface SysctlsOptions {
  /** `/proc/sys`, but for tests. */
  readonly root?: string
  /** An optional value could not be set. It is not tried again until its interface comes back. */
  onWarning(path: string, reason: string): void
}

export class Sysctls implements Kind<Sysctl> {
  readonly name = 'sysctls'
  readonly #root: string
  readonly #onWarning: SysctlsOptions['onWarning']
  readonly #put = new Map<string, Sysctl>()

  constructor({ root = '/proc/sys', onWarning }: SysctlsOptions) {
    this.#root = root
    this.#onWarning = onWarning
  }

  key({ path }: Sysctl): string {
    return path
  }

  same(a: Sysctl, b: Sysctl): boolean {
    return a.path === b.path && a.value === b.value
  }

  /** `net/ipv4/conf/cali0/rp_filter` belongs to `cali0`. */
  device({ path }: Sysctl): string | undefined {
    return /^net\/ipv[46]\/(?:conf|neigh)\/([^/]+)\//.exec(path)?.[1]
  }

  async read(): Promise<readonly Sysctl[]> {
    const found: Sysctl[] = []
    for (const sysctl of this.#put.values()) {
      const value = await readFile(this.#file(sysctl), 'utf8').catch(() => undefined)
      if (value !== undefined) found.push({ ...sysctl, value: value.trim() })
      else if (sysctl.optional || (await this.#vanished(sysctl))) found.push(sysctl)
    }
    return found
  }

  async put(sysctls: readonly Sysctl[]): Promise<readonly Refused[]> {
    const refused: Refused[] = []
    for (const sysctl of sysctls) {
      this.#put.set(sysctl.path, sysctl)
      const reason = await this.#assert(sysctl)
      if (reason === undefined) continue
      if (sysctl.optional) this.#onWarning(sysctl.path, reason)
      else refused.push({ key: sysctl.path, reason, transient: false })
    }
    return refused
  }

  async remove(sysctls: readonly Sysctl[]): Promise<readonly Refused[]> {
    for (const { path } of sysctls) this.#put.delete(path)
    return []
  }

  async #assert(sysctl: Sysctl): Promise<string | undefined> {
    if (this.#isAsserted(sysctl)) return undefined
    try {
      await writeFile(this.#file(sysctl), sysctl.value, { flag: 'r+' }) // never make a file
      return undefined
    } catch (error) {
      return (await this.#vanished(sysctl)) ? undefined : this.#reason(sysctl, error as NodeJS.ErrnoException)
    }
  }

  /** At once: 15 µs, and no lock of the kernel, where four calls on another thread take 300; and the routes of pods wait. */
  #isAsserted(sysctl: Sysctl): boolean {
    try {
      return readFileSync(this.#file(sysctl), 'utf8').trim() === sysctl.value
    } catch {
      return false
    }
  }

  #file({ path }: Sysctl): string {
    return join(this.#root, path)
  }

  /** Its interface has gone, and its values with it. */
  async #vanished(sysctl: Sysctl): Promise<boolean> {
    if (this.device(sysctl) === undefined) return false
    const folder = dirname(this.#file(sysctl))
    return (await exists(dirname(folder))) && !(await exists(folder))
  }

  #reason(sysctl: Sysctl, { code, message }: NodeJS.ErrnoException): string {
    const { value } = sysctl
    const file = this.#file(sysctl)
    if (code === 'EROFS' || code === 'EACCES' || code === 'EPERM') {
      return `cannot set ${file} to ${value}: it is read-only here (${code}); let the container write to /proc/sys`
    }
    if (code === 'ENOENT') return `${file} does not exist: this kernel was booted or built without it`
    return `cannot set ${file} to ${value}: ${message}`
  }
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
