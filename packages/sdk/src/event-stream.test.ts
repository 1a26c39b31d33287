import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { utf8 } from '@fog/kernel'
import { eventData, OverlongEvent } from './event-stream.ts'

async function read(chunks: readonly Uint8Array[]): Promise<string[]> {
  const found: string[] = []
  const body = (async function* () {
    yield* chunks
  })()
  for await (const data of eventData(body)) found.push(data)
  return found
}

const texts = (...parts: string[]) => parts.map(utf8)

test('each event gives its data, joined line by line', async () => {
  expect(await read(texts('data: one\n\ndata: two\ndata: lines\n\n'))).toEqual(['one', 'two\nlines'])
})

test('comments, other fields and empty events are left out', async () => {
  expect(await read(texts(': beat\n\nid: 7\nevent: x\nretry: 1\n\nid: 8\ndata:tight\n\n'))).toEqual(['tight'])
})

test('a field without a colon has an empty value, and one blank after the colon is no part of it', async () => {
  expect(await read(texts('data\n\ndata:  two blanks\n\n'))).toEqual(['', ' two blanks'])
})

test('a CRLF torn apart between two chunks is one line end', async () => {
  expect(await read(texts('data: a\r', '\ndata: b\r\n\r', '\n'))).toEqual(['a\nb'])
})

test('an event the stream cuts off is left out', async () => {
  expect(await read(texts('data: whole\n\ndata: half\n'))).toEqual(['whole'])
})

test('a byte order mark at the start is no part of the first line', async () => {
  expect(await read([Uint8Array.of(0xef, 0xbb, 0xbf), ...texts('data: x\n\n')])).toEqual(['x'])
})

test('endless lines and endless events are refused instead of filling the memory', async () => {
  const block = 'x'.repeat(300_000)
  await expect(read(texts('data: ', block, block, block, block))).rejects.toThrow(OverlongEvent)
  const line = `data: ${block}\n`
  await expect(read(texts(line, line, line, line))).rejects.toThrow(OverlongEvent)
})

test('many whole events in one large chunk are no overlong line', async () => {
  const many = Array.from({ length: 4 }, () => `data: ${'x'.repeat(400_000)}\n\n`).join('')
  expect((await read(texts(many))).length).toBe(4)
})

test('whatever the line ends, and wherever the bytes are torn apart, the data comes back', async () => {
  const line = fc.string({ unit: 'binary', maxLength: 20 }).map((text) => text.replaceAll(/[\r\n]/g, ''))
  const events = fc.array(fc.array(line, { minLength: 1, maxLength: 4 }), { maxLength: 6 })
  const ends = fc.constantFrom('\n', '\r\n', '\r')
  await fc.assert(
    fc.asyncProperty(events, ends, fc.array(fc.nat(400), { maxLength: 12 }), async (all, end, cuts) => {
      const text = all.map((lines) => `${lines.map((data) => `data: ${data}${end}`).join('')}${end}`).join('')
      const bytes = utf8(text)
      const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length]
      const chunks = places.slice(1).map((to, i) => bytes.subarray(places[i], to))
      // A lone CR at the end of a stream may still become a CRLF, so it only ends a line once more bytes come.
      expect(await read([...chunks, utf8(':\n')])).toEqual(all.map((lines) => lines.join('\n').toWellFormed()))
    }),
  )
})

test('any bytes at all are read without a fault', async () => {
  const chunks = fc.array(fc.uint8Array({ maxLength: 200 }))
  await fc.assert(
    fc.asyncProperty(chunks, async (bytes) => {
      expect(Array.isArray(await read(bytes))).toBe(true)
    }),
  )
})
