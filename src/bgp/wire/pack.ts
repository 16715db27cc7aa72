// Many destinations into as few UPDATEs as they need. RFC 4271 §4.3, RFC 4760 §3 and §4; the shape is BIRD's:
// announcements and withdrawals apart, IPv4 in the classic fields, IPv6 in MP attributes after the others.

import { type Address, type Family, familyBits, familyOf } from '../../inet/address.ts'
import { writeNlriAttributes, writePathAttributes } from './attributes/write.ts'
import { HEADER_LENGTH, writeMessage } from './header.ts'
import { MESSAGE_TYPE } from './iana.ts'
import type { Nlri, PathAttributes } from './message.ts'
import { largestNlri, nlriSize, writeNlri } from './nlri.ts'
import { initialCodec, maxLengthOf, type SessionCodec } from './session.ts'
import { Writer } from './writer.ts'

/** Header, and the lengths of withdrawn routes and of path attributes, in octets. */
const EMPTY_UPDATE = HEADER_LENGTH + 4

/** MP_UNREACH_NLRI without destinations: flags, code, extended length, AFI, SAFI. */
const EMPTY_MP_UNREACH = 7

/**
 * UPDATEs that announce `nlri`, each filled up to the session's limit. `attributes.nextHop` must be there, and is the
 * next hop of either family; MP attributes beside it are not looked at. Where the attributes leave no room for a
 * destination it cannot be announced, and is withdrawn instead: RFC 8654 §4.
 */
export function packAnnouncements(
  family: Family,
  attributes: PathAttributes,
  nlri: readonly Nlri[],
  session: SessionCodec,
): Uint8Array[] {
  const nextHop = attributes.nextHop!
  const classic = family === 'ipv4' && familyOf(nextHop) === 'ipv4'
  const path = pathOctets(attributes, classic, session)
  const overhead = EMPTY_UPDATE + path.length + (classic ? 0 : emptyMpReach(nextHop))
  const addPath = session.addPathSend[family]
  const room = maxLengthOf(session) - overhead
  if (room < largestNlri(family, addPath)) return packWithdrawals(family, nlri, session)
  return batches(nlri, room, addPath).map((batch) =>
    updateMessage(session, (out) => {
      out.u16(0)
      out.sized16(() => {
        out.bytes(path)
        if (!classic) writeNlriAttributes(out, { mpReach: { family, nextHop, nlri: batch } }, session)
      })
      if (classic) writeNlri(out, batch, addPath)
    }),
  )
}

/** UPDATEs that withdraw `nlri`, each filled up to the session's limit. */
export function packWithdrawals(family: Family, nlri: readonly Nlri[], session: SessionCodec): Uint8Array[] {
  const overhead = EMPTY_UPDATE + (family === 'ipv4' ? 0 : EMPTY_MP_UNREACH)
  return batches(nlri, maxLengthOf(session) - overhead, session.addPathSend[family]).map((batch) =>
    withdrawal(family, batch, session),
  )
}

/** The first feed of a family is over: RFC 4724 §2. The same for all sessions. */
export function endOfRib(family: Family): Uint8Array {
  return withdrawal(family, [], initialCodec)
}

function withdrawal(family: Family, withdrawn: readonly Nlri[], session: SessionCodec): Uint8Array {
  const classic = family === 'ipv4'
  return updateMessage(session, (out) => {
    out.sized16(() => classic && writeNlri(out, withdrawn, session.addPathSend.ipv4))
    out.sized16(() => classic || writeNlriAttributes(out, { mpUnreach: { family, withdrawn } }, session))
  })
}

/** What is the same in all messages of one batch. */
function pathOctets(
  { nextHop, ...path }: PathAttributes,
  classic: boolean,
  session: SessionCodec,
): Uint8Array {
  const out = new Writer()
  writePathAttributes(out, classic ? { ...path, nextHop: nextHop! } : path, session)
  return out.finish()
}

/** MP_REACH_NLRI without destinations, in octets: what MP_UNREACH_NLRI has, the next hop with its length, a reserved one. */
function emptyMpReach(nextHop: Address): number {
  return EMPTY_MP_UNREACH + 1 + familyBits(familyOf(nextHop)) / 8 + 1
}

function updateMessage(session: SessionCodec, write: (body: Writer) => void): Uint8Array {
  return writeMessage(MESSAGE_TYPE.update, maxLengthOf(session), write)
}

/** As many in a row as fit into `room` octets, and then the next. */
function batches(nlri: readonly Nlri[], room: number, addPath: boolean): Nlri[][] {
  const all: Nlri[][] = []
  let left = 0
  for (const one of nlri) {
    const size = nlriSize(one, addPath)
    if (size > left) {
      all.push([])
      left = room
    }
    all.at(-1)!.push(one)
    left -= size
  }
  return all
}
