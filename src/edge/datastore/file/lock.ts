// One writer at a time in a directory that several processes share.
//
// The lock is SQLite's exclusive lock on an empty database file. The kernel gives it back when its holder dies, so
// there is no stale lock to recognise, and a process needs no helper program to take it (Node has no flock).

import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { StoreError } from '../../../cluster/feed.ts'

const SQLITE_BUSY = 5
const DEADLINE_MS = 5_000
/** Each look costs the holder time where there are fewer processors than processes, so they become rarer. */
const FIRST_RETRY_MS = 4
const MAX_RETRY_MS = 50

/**
 * Runs `work` while no other process runs its own in this directory.
 *
 * @throws StoreError `unavailable` when the lock cannot be had within five seconds, or not at all.
 */
export async function withLock<T>(directory: string, work: () => Promise<T>): Promise<T> {
  const lock = await openLock(join(directory, '.caracal.lock'))
  try {
    await acquire(lock, directory)
    return await work()
  } finally {
    lock.close() // ends the transaction, too
  }
}

async function openLock(path: string) {
  const { DatabaseSync } = await import('node:sqlite')
  try {
    return new DatabaseSync(path, { timeout: 0 })
  } catch (error) {
    throw new StoreError('unavailable', `cannot open the lock ${path}`, error)
  }
}

async function acquire(lock: { exec(sql: string): void }, directory: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS
  for (let waitMs = FIRST_RETRY_MS; !tryBegin(lock, directory); waitMs = Math.min(2 * waitMs, MAX_RETRY_MS)) {
    if (Date.now() > deadline)
      throw new StoreError('unavailable', `${directory} is locked by another process`)
    await delay(waitMs * (0.5 + Math.random()))
  }
}

function tryBegin(lock: { exec(sql: string): void }, directory: string): boolean {
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return true
  } catch (error) {
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return false
    throw new StoreError('unavailable', `cannot lock ${directory}`, error)
  }
}
