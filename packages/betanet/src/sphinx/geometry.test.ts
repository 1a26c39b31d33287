import { expect, test } from 'vitest'
import { geometry, suites } from './index.ts'

test('sizes are those of the formats', () => {
  expect(geometry(suites.betanetKemX25519)).toMatchObject({
    headerBytes: 636,
    slotBytes: 114,
    blockBytes: 2080,
    packetBytes: 2716,
    surbBytes: 796,
  })
  expect(geometry(suites.betanetKemX25519Small)).toMatchObject({
    headerBytes: 636,
    payloadBytes: 532,
    packetBytes: 1200,
  })
  expect(geometry(suites.katzenpostX25519)).toMatchObject({
    headerBytes: 476,
    slotBytes: 82,
    payloadBytes: 103,
    packetBytes: 611,
    payloadKeyBytes: 64,
    surbBytes: 572,
  })
})
