// UPDATE: routes that are gone, and routes that are there. RFC 4271 §4.3 and §6.3, RFC 7606.
//
// What RFC 7606 excuses is told in `faults`; what it does not is thrown.

import { type Fault, readAttributes } from './attributes/read.ts'
import { writeNlriAttributes, writePathAttributes } from './attributes/write.ts'
import { BgpError, failingAs } from './errors.ts'
import { ERROR, MESSAGE_TYPE, UPDATE_ERROR } from './iana.ts'
import type { AttributeFault, Nlri, Severity, Update } from './message.ts'
import type { MessageCodec } from './message-codec.ts'
import { readNlri, writeNlri } from './nlri.ts'
import type { Reader } from './reader.ts'
import type { SessionCodec } from './session.ts'

export const update: MessageCodec<Update> = {
  type: MESSAGE_TYPE.update,

  decode(body, session) {
    const withdrawnPart = sizedPart(body)
    const list = sizedPart(body)
    const withdrawn = classicNlri(withdrawnPart, session)
    const nlri = classicNlri(body, session)
    const { attributes, faults } = readAttributes(list, session, nlri.length > 0)
    const located = nlri.length > 0 || (attributes.mpReach?.nlri.length ?? 0) > 0
    refuse(faults, located)
    return { kind: 'update', withdrawn, attributes, nlri, faults: faults.map(told) }
  },

  encode({ withdrawn, attributes, nlri }, out, session) {
    out.sized16(() => writeNlri(out, withdrawn, session.addPathSend.ipv4))
    out.sized16(() => {
      writePathAttributes(out, attributes, session)
      writeNlriAttributes(out, attributes, session)
    })
    writeNlri(out, nlri, session.addPathSend.ipv4)
  },
}

/** A part of the message after its length. */
function sizedPart(body: Reader): Reader {
  return failingAs(ERROR.update, UPDATE_ERROR.malformedList, () => body.part(body.u16()))
}

function classicNlri(part: Reader, { addPathReceive }: SessionCodec): Nlri[] {
  return failingAs(ERROR.update, UPDATE_ERROR.network, () => readNlri(part, 'ipv4', addPathReceive.ipv4))
}

/**
 * Throws when a fault asks for a reset. So does one that asks for a withdrawal in a message that announces nothing:
 * the routes that were meant may be what we could not read (RFC 7606 §5.2).
 */
function refuse(faults: readonly Fault[], located: boolean): void {
  const fault =
    firstOf(faults, 'session-reset') ?? (located ? undefined : firstOf(faults, 'treat-as-withdraw'))
  if (!fault) return
  const { subcode, data, offset, reason } = fault
  throw new BgpError(ERROR.update, subcode, new Uint8Array(data), offset, reason)
}

function firstOf(faults: readonly Fault[], severity: Severity): Fault | undefined {
  return faults.find((fault) => fault.severity === severity)
}

function told({ severity, attribute, reason }: Fault): AttributeFault {
  return { severity, attribute, reason }
}
