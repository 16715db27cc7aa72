// Secrets as files, laid out as Kubernetes mounts them: DIRECTORY/NAME/KEY. The value is what the file holds, to the octet.
//
// A value that goes away, or that cannot be used any more, is kept as long as we run: nobody loses a session because
// files are being moved. Read each second, they are short: that also sees a mounted Secret, of which all files change at
// once when a symbolic link in the path is moved, and files that are not there yet.

import { closeSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import type { SecretRef } from '../../cluster/model.ts'
import { type SecretState, secretId } from '../../plan/passwords.ts'

export interface SecretDirectory {
  /** Keys to read and to watch from now on; others are forgotten. */
  follow(refs: readonly SecretRef[]): void
  /** The octets of a key; undefined: there are none. */
  value(ref: SecretRef): Uint8Array | undefined
  close(): void
}

/** TCP-MD5 has room for no more: TCP_MD5SIG_MAXKEYLEN of linux/tcp.h. */
const LONGEST = 80

const UNSAFE: SecretState = { problem: 'is no name that a Secret and its keys can have' }

interface Followed {
  readonly ref: SecretRef
  readonly path: string
  value: Uint8Array | undefined
  version: number
  /** The last that was said of it. */
  said: string
}

/** `changed` hears of each key when it was read first, and whenever there is something new to say of it. */
export function secretDirectory(
  directory: string,
  changed: (ref: SecretRef, state: SecretState) => void,
  everyMs = 1000,
): SecretDirectory {
  const followed = new Map<string, Followed>()
  const timer = setInterval(() => {
    for (const one of followed.values()) look(one)
  }, everyMs).unref()

  function look(one: Followed): void {
    const state = isSafe(one.ref) ? read(one) : UNSAFE
    const said = JSON.stringify(state)
    if (said === one.said) return
    one.said = said
    changed(one.ref, state)
  }

  function begin(ref: SecretRef): void {
    const path = join(directory, ref.name, ref.key)
    const one: Followed = { ref, path, value: undefined, version: 0, said: '' }
    followed.set(secretId(ref), one)
    look(one)
  }

  return {
    follow(refs) {
      const wanted = new Set(refs.map(secretId))
      for (const id of followed.keys()) if (!wanted.has(id)) followed.delete(id)
      for (const ref of refs) if (!followed.has(secretId(ref))) begin(ref)
    },
    value: (ref) => followed.get(secretId(ref))?.value,
    close: () => clearInterval(timer),
  }
}

/** Nothing that leads out of the directory. */
function isSafe({ name, key }: SecretRef): boolean {
  return [name, key].every((part) => /^[\w.-]+$/.test(part) && !/^\.+$/.test(part))
}

function read(one: Followed): SecretState {
  const found = contents(one.path)
  if (typeof found === 'string')
    return one.value
      ? { version: one.version, warning: `${found}; the last value stays in force` }
      : { problem: found }
  if (!one.value || !equal(found, one.value)) one.version++
  one.value = found
  const isLine = found.at(-1) === 0x0a
  return {
    version: one.version,
    ...(isLine && { warning: `${one.path} ends with a newline, which is used as part of the password` }),
  }
}

/** The octets of a file, or what is wrong with it. Of one that is too long no more is read than to see that. */
function contents(path: string): Uint8Array | string {
  const buffer = new Uint8Array(LONGEST + 1)
  try {
    const fd = openSync(path, 'r')
    try {
      const length = readSync(fd, buffer, 0, buffer.length, 0)
      if (length === 0) return `${path} is empty; put the password there`
      return length > LONGEST
        ? `${path} is longer than the ${LONGEST} octets of TCP-MD5`
        : buffer.slice(0, length)
    } finally {
      closeSync(fd)
    }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    return code === 'ENOENT'
      ? `${path} does not exist; put the password there`
      : `${path} cannot be read: ${code}`
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((octet, at) => octet === b[at])
}
