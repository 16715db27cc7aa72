// All files of a directory taken together: which document is in force for each identity.
//
// Two files may claim one identity. The first in byte order of the file names holds it, then the one that comes first
// in its file; so every node that reads the directory decides alike, and a restart changes nothing.

import type { Document, Problem, ResourceId } from '../../../cluster/feed.ts'
import { type Entry, type Manifest, nothing, place } from './manifest.ts'

export interface View {
  readonly files: Map<string, Manifest>
  /** Never empty; the first is in force. */
  readonly claims: Map<ResourceId, Entry[]>
  /** Identities with more than one claim. */
  readonly contested: Set<ResourceId>
}

export function emptyView(): View {
  return { files: new Map(), claims: new Map(), contested: new Set() }
}

/** Puts a new reading of a file in place (undefined: the file is gone) and returns the identities to look at again. */
export function replaceFile(view: View, file: string, manifest: Manifest | undefined): Set<ResourceId> {
  const before = view.files.get(file) ?? nothing
  if (manifest) view.files.set(file, manifest)
  else view.files.delete(file)
  const touched = new Set([...before.entries, ...(manifest ?? nothing).entries].map((entry) => entry.id))
  const added = Map.groupBy(manifest?.entries ?? [], (entry) => entry.id)
  for (const id of touched) reclaim(view, id, file, added.get(id) ?? [])
  return touched
}

function reclaim(view: View, id: ResourceId, file: string, added: readonly Entry[]): void {
  const others = (view.claims.get(id) ?? []).filter((entry) => entry.file !== file)
  const claims = [...others, ...added].sort((a, b) => byteOrder(a.file, b.file))
  if (claims.length === 0) view.claims.delete(id)
  else view.claims.set(id, claims)
  if (claims.length > 1) view.contested.add(id)
  else view.contested.delete(id)
}

function byteOrder(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** What no other file defines. */
export function onlyIn(view: View, file: string): Entry[] {
  const { entries } = view.files.get(file) ?? nothing
  return entries.filter(({ id }) => view.claims.get(id)?.every((claim) => claim.file === file))
}

/** The document in force. */
export function inForce(view: View, id: ResourceId): Document | undefined {
  return view.claims.get(id)?.[0]?.document
}

/** Every document in force. */
export function allInForce(view: View): Document[] {
  return [...view.claims.values()].map(([first]) => first!.document)
}

/** Everything that is wrong with the files. */
export function problemsOf(view: View): Problem[] {
  const own = [...view.files.values()].flatMap((manifest) => manifest.problems)
  return [...own, ...[...view.contested].flatMap((id) => duplicates(view, id))]
}

function duplicates(view: View, id: ResourceId): Problem[] {
  const [winner, ...losers] = view.claims.get(id) ?? []
  if (!winner) return []
  const held = place(winner.file, winner.index)
  return losers.map((loser) => ({
    subject: place(loser.file, loser.index),
    message: `${id} is already defined in ${held}, which stays in force; remove one of the two`,
  }))
}
