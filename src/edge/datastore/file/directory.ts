// Reading a directory: which names are manifests, and which of them changed since the last look.
//
// Only files directly inside count. A name may be a symbolic link, as in a mounted ConfigMap.

import { randomBytes } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/** `*.yaml`, `*.yml`, `*.json`, but no dotfile and none of an editor's temporary files. */
export function isManifestName(name: string): boolean {
  return /^[^.#].*\.(ya?ml|json)$/.test(name)
}

/** What identifies one version of a file without reading it. */
export interface Stamp {
  readonly key: string
  readonly empty: boolean
  readonly modifiedMs: number
}

/** The manifests of a directory, in byte order of their names. */
export async function listManifests(directory: string): Promise<string[]> {
  const names = await readdir(directory, { encoding: 'buffer' })
  return names.sort(Buffer.compare).map(String).filter(isManifestName)
}

/** Tells a directory from another one that takes its place, which may well get the same inode number. */
export async function identityOf(directory: string): Promise<string> {
  const { dev, ino, birthtimeNs } = await stat(directory, { bigint: true })
  return [dev, ino, birthtimeNs].join(':')
}

/** The stamp of a file; undefined when it is not there (any more). */
export async function stampOf(path: string): Promise<Stamp | undefined> {
  const stats = await present(stat(path, { bigint: true }))
  return stats && toStamp(stats)
}

/** The text of a file; undefined when it is not there (any more). */
export async function textOf(path: string): Promise<string | undefined> {
  return present(readFile(path, 'utf8'))
}

/** Replaces a file in one step: a reader sees the old text or the new one, also after a crash. */
export async function replaceText(path: string, text: string): Promise<void> {
  const target = (await present(realpath(path))) ?? path
  const mode = (await present(stat(target)))?.mode ?? 0o644
  const temporary = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

/** Removes a file; one that is gone already is as good. */
export async function removeText(path: string): Promise<void> {
  await rm((await present(realpath(path))) ?? path, { force: true })
}

/** The file system's complaint as a person would put it. */
export function inWords(error: unknown): string {
  const { code, path, message } = error as NodeJS.ErrnoException
  const words: Record<string, string> = {
    ENOENT: 'does not exist',
    ENOTDIR: 'is not a directory',
    EACCES: 'may not be read or written by this user',
    EROFS: 'is on a read-only file system',
    ENOSPC: 'is on a full file system',
  }
  return code && path && words[code] ? `${path} ${words[code]}` : message
}

async function present<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function toStamp(stats: BigIntStats): Stamp {
  const key = [stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':')
  return { key, empty: stats.size === 0n, modifiedMs: Number(stats.mtimeMs) }
}
