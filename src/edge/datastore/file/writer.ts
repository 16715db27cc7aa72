// Texts of manifests, put in place while no other process writes, and taken into the view. A file in which nothing is left
// stays for a while, so that all readers see that this is on purpose, and is removed then.

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StoreError } from '../../../cluster/feed.ts'
import { inWords, removeText, replaceText, textOf } from './directory.ts'
import { DELETED, printFile } from './edit.ts'
import { withLock } from './lock.ts'
import { type Entry, nothing, readManifest } from './manifest.ts'
import type { Reader } from './reader.ts'

export class Writer {
  readonly #directory: string
  readonly #reader: Reader
  /** Milliseconds that a file with nothing left in it stays. */
  readonly #seenMs: number
  readonly #closing = new AbortController()
  /** Under way, by file. */
  readonly #removals = new Map<string, Promise<void>>()

  constructor(directory: string, reader: Reader, seenMs: number) {
    this.#directory = directory
    this.#reader = reader
    this.#seenMs = seenMs
  }

  /** Reads everything that changed and runs `change`, while no other process writes. @throws StoreError when it cannot be read */
  locked<T>(change: () => Promise<T>): Promise<T> {
    return withLock(this.#directory, async () => {
      await this.#reader.refresh('all').catch(unavailable)
      for (const [name, { entries }] of this.#reader.view.files)
        if (entries.length === 0) this.#removeLater(name)
      return change()
    })
  }

  /** Puts a new text in a file and takes it into the view. @throws StoreError */
  async write(file: string, text: string): Promise<void> {
    await replaceText(join(this.#directory, file), text).catch(unavailable)
    await this.#reader.refresh(new Set([file])).catch(unavailable)
    if (text === DELETED) this.#removeLater(file)
  }

  /** The text of a file as it is now, and where in it the object stands. @throws StoreError when that cannot be told */
  async find(claim: Entry): Promise<{ text: string; entry: Entry }> {
    const { file, id } = claim
    const text = (await textOf(join(this.#directory, file)).catch(unavailable)) ?? this.#restored(file)
    const { entries } = await readManifest(file, text)
    const entry = entries.find((one) => one.id === id)
    if (entry) return { text, entry }
    throw new StoreError('unavailable', `${file} is broken where it defines ${id}; mend it first`)
  }

  /** There is such a file, and not just one that is about to be removed. */
  isTaken(name: string): boolean {
    const manifest = this.#reader.view.files.get(name)
    return manifest !== undefined && (manifest.entries.length > 0 || !this.#removals.has(name))
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await Promise.all(this.#removals.values())
  }

  /** If it says then that it was deleted. What an earlier process has left is noticed when somebody writes. */
  #removeLater(file: string): void {
    if (this.#removals.has(file)) return
    const path = join(this.#directory, file)
    const removal = delay(this.#seenMs, undefined, { ref: false, signal: this.#closing.signal })
      .then(() => withLock(this.#directory, async () => (await textOf(path)) === DELETED && removeText(path)))
      .then(() => {})
      .catch(() => {}) // an empty file does no harm
      .finally(() => this.#removals.delete(file))
    this.#removals.set(file, removal)
  }

  /** Of a file that is gone, all that counts still. */
  #restored(file: string): string {
    const { entries } = this.#reader.view.files.get(file) ?? nothing
    return entries.map(({ document }) => printFile(document)).join('---\n')
  }
}

/** @throws StoreError always */
export function unavailable(error: unknown): never {
  throw new StoreError('unavailable', inWords(error), error)
}
