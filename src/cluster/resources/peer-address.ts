// The remote end of a session as a BGPPeer writes it: `172.20.0.1`, `172.20.0.1:1179`, `fd20::1`, `[fd20::1]:1179`,
// a link-local one with its zone, `fe80::1%eth0`.

import { type Address, parseAddress } from '../../inet/address.ts'

export interface PeerAddress {
  readonly address: Address
  /** Interface of a link-local address. */
  readonly zone?: string
  /** Undefined: the port the remote end is configured to listen on, or else 179. */
  readonly port: number | undefined
}

const forms = [
  /^\[(?<host>[^\]%]*:[^\]%]*)(%(?<zone>[\w.-]{1,15}))?\](:(?<port>\d{1,5}))?$/, // IPv6 in brackets
  /^(?<host>[^[\]%]*:[^[\]%]*:[^[\]%]*)(%(?<zone>[\w.-]{1,15}))?$/, // bare IPv6: a last `:179` is part of it
  /^(?<host>[\d.]+)(:(?<port>\d{1,5}))?$/, // IPv4
]

/** Undefined when malformed, or when the port is not 1 to 65535. */
export function parsePeerAddress(text: string): PeerAddress | undefined {
  const groups = forms.map((form) => form.exec(text)?.groups).find((found) => found !== undefined)
  const address = parseAddress(groups?.host ?? '')
  const port = groups?.port === undefined ? undefined : Number(groups.port)
  if (address === undefined || (port !== undefined && (port < 1 || port > 65535))) return undefined
  return { address, ...(groups?.zone !== undefined && { zone: groups.zone }), port }
}
