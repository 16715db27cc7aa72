// Autonomous system numbers, as Calico's resources spell them (libcalico-go numorstring.ASNumber).

/**
 * An AS number given as a number, as decimal text, or dotted (`1.10`, RFC 5396 §2 "asdot"): 1 to 4294967295.
 * Undefined for anything else, 0 included: it is reserved and no speaker may use it (RFC 7607).
 */
export function parseAsn(given: number | string): number | undefined {
  const asn = typeof given === 'number' ? given : parseText(given)
  return Number.isInteger(asn) && asn >= 1 && asn <= 0xffff_ffff ? asn : undefined
}

/** NaN when `text` is no number of either spelling. */
function parseText(text: string): number {
  if (/^\d{1,10}$/.test(text)) return Number(text)
  const [, high, low] = /^(\d{1,5})\.(\d{1,5})$/.exec(text) ?? []
  if (Number(high) > 0xffff || Number(low) > 0xffff) return Number.NaN
  return Number(high) * 0x1_0000 + Number(low)
}
