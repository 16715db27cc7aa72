// OPEN: who we are, and what we can do. RFC 4271 §4.2 and §6.2, RFC 5492 §4, RFC 9072 §2.
//
// Only what must hold for the message to be read is checked here. Whether we want
// to speak with this peer at all is for the session to say.

import { readCapabilities } from './capabilities/read.ts'
import { writeCapabilities } from './capabilities/write.ts'
import { BgpError, failingAs } from './errors.ts'
import { ERROR, MESSAGE_TYPE, OPEN_ERROR } from './iana.ts'
import type { Open } from './message.ts'
import type { MessageCodec } from './message-codec.ts'
import type { Reader } from './reader.ts'
import type { Writer } from './writer.ts'

const VERSION = 4

/** The one type of optional parameter in use: RFC 5492 §4. */
const CAPABILITIES = 2

/** In the place of the first parameter's type: RFC 9072 §2. */
const EXTENDED = 255

export const open: MessageCodec<Open> = {
  type: MESSAGE_TYPE.open,

  decode(body) {
    return failingAs(ERROR.open, OPEN_ERROR.unspecific, () => {
      checkVersion(body)
      const asn = body.asn(false)
      const holdTime = body.u16()
      const routerId = body.ipv4()
      const capabilities = readParameters(body).flatMap(readCapabilities)
      const as4 = capabilities.find((capability) => capability.code === 'as4')
      return { kind: 'open', asn: as4?.asn ?? asn, holdTime, routerId, capabilities }
    })
  },

  encode({ asn, holdTime, routerId, capabilities }, out) {
    out.u8(VERSION)
    out.asn(asn, false)
    out.u16(holdTime)
    out.address(routerId)
    writeParameters(writeCapabilities(capabilities), out)
  },
}

function checkVersion(body: Reader): void {
  const { offset } = body
  const version = body.u8()
  if (version === VERSION) return
  const supported = Uint8Array.of(0, VERSION)
  throw new BgpError(ERROR.open, OPEN_ERROR.unsupportedVersion, supported, offset, `${version}`)
}

/** The contents of the capabilities parameters: there may be several. */
function readParameters(body: Reader): Reader[] {
  const length = body.u8()
  const extended = length > 0 && body.peek() === EXTENDED
  if (extended) body.u8()
  const parameters = body.part(extended ? body.u16() : length)
  if (body.left > 0) throw body.malformed(`${body.left} octets after the optional parameters`)
  return parameters.all(() => readParameter(parameters, extended))
}

function readParameter(parameters: Reader, extended: boolean): Reader {
  const { offset } = parameters
  const type = parameters.u8()
  const value = parameters.part(extended ? parameters.u16() : parameters.u8())
  if (type === CAPABILITIES) return value
  throw new BgpError(ERROR.open, OPEN_ERROR.unsupportedParameter, undefined, offset, `type ${type}`)
}

/** All capabilities in one parameter, as BIRD does. It refuses the extended form: so that is for when they do not fit. */
function writeParameters(capabilities: Uint8Array, out: Writer): void {
  if (capabilities.length === 0) out.u8(0)
  else if (capabilities.length + 2 <= 0xff) {
    out.sized8(() => {
      out.u8(CAPABILITIES)
      out.sized8(() => out.bytes(capabilities))
    })
  } else {
    out.u8(EXTENDED)
    out.u8(EXTENDED)
    out.sized16(() => {
      out.u8(CAPABILITIES)
      out.sized16(() => out.bytes(capabilities))
    })
  }
}
