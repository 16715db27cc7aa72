// The lines of a stream. Only a line feed ends one: JSON may hold every other separator that Unicode knows.

/** No object is larger: etcd takes 1.5 MiB. */
const LONGEST = 16 * 1024 * 1024

const LINE_FEED = 0x0a

/** Each whole line as text. What comes after the last line feed was cut off, and is nothing. @throws RangeError for a line without end */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let parts: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    let start = 0
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, start)) {
      yield Buffer.concat([...parts, chunk.subarray(start, end)]).toString()
      parts = []
      length = 0
      start = end + 1
    }
    parts.push(chunk.subarray(start))
    length += chunk.length - start
    if (length > LONGEST) throw new RangeError('a line of the watch has no end')
  }
}
