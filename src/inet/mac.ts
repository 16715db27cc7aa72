// Ethernet hardware addresses (EUI-48) as canonical text: `66:2f:0a:00:00:01`, the spelling of iproute2.

const SPELLINGS = [
  /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{2}(-[0-9a-f]{2}){5}$/i,
  /^[0-9a-f]{4}(\.[0-9a-f]{4}){2}$/i,
]

/** The address in its one spelling; undefined when malformed. Reads what Go's net.ParseMAC reads of 48 bits. */
export function parseMac(text: string): string | undefined {
  if (!SPELLINGS.some((spelling) => spelling.test(text))) return undefined
  return text
    .toLowerCase()
    .match(/[0-9a-f]{2}/g)
    ?.join(':')
}

/** The text of six octets. Any other number of them is a programming error. */
export function formatMac(octets: Uint8Array): string {
  if (octets.length !== 6) throw new RangeError(`a hardware address has 6 octets, not ${octets.length}`)
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, '0')).join(':')
}
