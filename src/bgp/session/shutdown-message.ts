// What people say to each other when a session is shut down or reset: RFC 9003, in the data of Cease 2 and 4.

const CEASE = 6
/** Administrative Shutdown and Administrative Reset. */
const CARRIERS: readonly number[] = [2, 4]
/** Octets; its length has one octet. */
const LONGEST = 255

/** The data that carries a text. Longer ones are cut off. */
export function shutdownMessage(text: string): Uint8Array {
  const words = new Uint8Array(LONGEST)
  const { written } = new TextEncoder().encodeInto(text, words)
  return Uint8Array.of(written, ...words.subarray(0, written))
}

/** The text in the data of a NOTIFICATION; undefined when there is none, or its length is wrong (RFC 9003 §3). */
export function shutdownText(code: number, subcode: number, data: Uint8Array): string | undefined {
  const [length = 0] = data
  if (code !== CEASE || !CARRIERS.includes(subcode) || length === 0 || data.length !== 1 + length)
    return undefined
  return new TextDecoder().decode(data.subarray(1))
}
