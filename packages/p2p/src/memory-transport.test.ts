import { expect, test } from 'vitest'
import { MemoryNetwork } from './memory-transport.ts'
import { keyOfPeer, parsePeerId, peerIdOf } from './peer-id.ts'
import { describeTransport } from './testing/index.ts'

const [a, b, nobody] = [1, 2, 3].map((fill) => peerIdOf(new Uint8Array(32).fill(fill)))

describeTransport('in memory', async () => {
  const network = new MemoryNetwork()
  return {
    a: { peer: a!, transport: network.join(a!) },
    b: { peer: b!, transport: network.join(b!) },
    nobody: nobody!,
    close: async () => {
      network.leave(a!)
      network.leave(b!)
    },
  }
})

test('a peer id is the hex of its key, and nothing else', () => {
  const key = new Uint8Array(32).map((_, i) => i)
  expect(keyOfPeer(peerIdOf(key))).toEqual(key)
  for (const text of ['', 'ab', 'Z'.repeat(64), `${peerIdOf(key)}0`]) {
    expect(() => parsePeerId(text)).toThrow('is no peer id')
  }
})

test('a peer that left neither sends nor is reached', async () => {
  const network = new MemoryNetwork()
  const first = network.join(a!)
  network.join(b!)
  network.leave(a!)
  await expect(first.send(b!, new Uint8Array(1), AbortSignal.timeout(1000))).rejects.toThrow('is closed')
})
