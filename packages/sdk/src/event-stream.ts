/** Server-sent events as they come over the wire: HTML Living Standard, section 9.2.6. */

/** Thrown for a stream whose line or event outgrows every event there is. */
export class OverlongEvent extends Error {
  override readonly name = 'OverlongEvent'
}

/** Most characters of one line, and of the data of one event. */
const MOST_CHARACTERS = 1_000_000

/**
 * The data of each event, in order. Comments and other fields are left out, and so is an event that the end of the stream
 * cuts off. Lines may end in CR, LF or both, and be torn apart anywhere.
 */
export async function* eventData(body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new TextDecoder()
  const event = new EventInMaking()
  let rest = ''
  for await (const chunk of body) {
    const text = rest + decoder.decode(chunk, { stream: true })
    // A CR at the very end may be the first half of a CRLF.
    const end = text.endsWith('\r') ? text.length - 1 : text.length
    const lines = text.slice(0, end).split(/\r\n|\n|\r/)
    rest = (lines.pop() ?? '') + text.slice(end)
    if (rest.length > MOST_CHARACTERS) throw new OverlongEvent('a line is too long')
    for (const line of lines) {
      const data = event.take(line)
      if (data !== undefined) yield data
    }
  }
}

class EventInMaking {
  #data: string[] = []
  #length = 0

  /** The data of the event that this line ends, if it ends one that has any. */
  take(line: string): string | undefined {
    if (line === '') return this.#end()
    const [field, value] = fieldOf(line)
    if (field !== 'data') return undefined
    this.#data.push(value)
    this.#length += value.length + 1
    if (this.#length > MOST_CHARACTERS) throw new OverlongEvent('an event is too long')
    return undefined
  }

  #end(): string | undefined {
    const data = this.#data.length > 0 ? this.#data.join('\n') : undefined
    this.#data = []
    this.#length = 0
    return data
  }
}

function fieldOf(line: string): [field: string, value: string] {
  const colon = line.indexOf(':')
  if (colon === -1) return [line, '']
  return [line.slice(0, colon), line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)]
}
