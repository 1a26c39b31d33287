import { once } from 'node:events'
import { ManualClock, seededRng } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { MemoryNetwork } from '../memory-transport.ts'
import { type PeerId, peerIdOf } from '../peer-id.ts'
import { StreamMultiplexer } from '../streams/index.ts'
import { StreamDuplex } from './stream-duplex.ts'

const [ANN, BOB] = [1, 2].map((fill) => peerIdOf(new Uint8Array(32).fill(fill))) as [PeerId, PeerId]

let ann: StreamMultiplexer
let bob: StreamMultiplexer
let near: StreamDuplex
const far = Promise.withResolvers<StreamDuplex>()
let taken = far

beforeEach(() => {
  const [network, clock] = [new MemoryNetwork(), new ManualClock()]
  taken = Promise.withResolvers()
  ann = new StreamMultiplexer({ transport: network.join(ANN), clock, rng: seededRng(1) })
  const accept = (stream: ConstructorParameters<typeof StreamDuplex>[0]) => taken.resolve(new StreamDuplex(stream))
  bob = new StreamMultiplexer({ transport: network.join(BOB), clock, rng: seededRng(2), accept })
  near = new StreamDuplex(ann.open(BOB), { remoteAddress: 'mix-bob' })
})

afterEach(() => {
  ann.close()
  bob.close()
})

async function textOf(stream: StreamDuplex): Promise<string> {
  let text = ''
  for await (const part of stream) text += String(part)
  return text
}

describe('a stream as a connection', () => {
  test('is written, read and ended like a socket, each way by itself', async () => {
    near.write('one ')
    near.end('two')
    const other = await taken.promise
    expect(await textOf(other)).toBe('one two')
    other.end('three')
    expect(await textOf(near)).toBe('three')
    expect([near.remoteAddress, other.remoteAddress]).toEqual(['mix-bob', ANN])
    expect([near.setNoDelay(), near.setKeepAlive(), near.ref(), near.unref()]).toEqual([near, near, near, near])
  })

  test('that is destroyed breaks off the other', async () => {
    near.write('one')
    const other = await taken.promise
    near.destroy()
    const [fault] = (await once(other.resume(), 'error')) as [Error]
    expect(fault).toMatchObject({ code: 'streams.reset' })
  })

  test('leaves its writer the buffer as soon as it is told', async () => {
    const buffer = Buffer.from('first')
    await new Promise((resolve) => near.write(buffer, resolve))
    buffer.fill('x')
    near.end()
    expect(await textOf(await taken.promise)).toBe('first')
  })

  test('says so when nothing comes or goes for so long', async () => {
    let late = 0
    near.setTimeout(5, () => (late += 1))
    await once(near, 'timeout')
    expect([late, near.timeout]).toEqual([1, 5])
    near.setTimeout(0)
    expect(near.timeout).toBe(0)
  })
})
