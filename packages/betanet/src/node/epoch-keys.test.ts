import { noiseSuite, systemRng } from '@fog/kernel/node'
import { expect, test } from 'vitest'
import type { Consensus } from '../directory/index.ts'
import { ReplayFilter } from '../mix/index.ts'
import { EpochKeys } from './epoch-keys.ts'

const NODE = { nodeId: systemRng.bytes(32), vrfSecretKey: systemRng.bytes(32) }

/** As much of a consensus as delays are fixed by. */
function consensusOf(epoch: number): Consensus {
  const parameters = { vrfSuite: 'tai', delayMeansSteps: [20] }
  return { epoch, beacon: systemRng.bytes(32), parameters } as unknown as Consensus
}

function memoryOf(keys: EpochKeys, epoch: number): SharedArrayBuffer {
  keys.publicKey(epoch)
  keys.open(epoch, consensusOf(epoch), NODE)
  return keys.secrets(epoch)!.replayMemory
}

test('the memory of a filter is used again, empty, once no thread looks at it any more', () => {
  const keys = new EpochKeys({ noise: noiseSuite(), tags: 1_000 })
  const first = memoryOf(keys, 1)
  const tag = systemRng.bytes(16)
  expect(new ReplayFilter(first).note(tag, 0)).toBe(true)
  const second = memoryOf(keys, 2)
  keys.forgetBefore(2)
  // Threads may still look at the first.
  const third = memoryOf(keys, 3)
  expect(new Set([first, second, third]).size).toBe(3)
  keys.released(1)
  keys.released(1)
  const fourth = memoryOf(keys, 4)
  expect(fourth).toBe(first)
  expect(new ReplayFilter(fourth).note(tag, 0)).toBe(true)
  expect(new ReplayFilter(fourth).note(tag, 0)).toBe(false)
  expect([first, second, third]).not.toContain(memoryOf(keys, 5))
})

test('an epoch that is still served is not let go of', () => {
  const keys = new EpochKeys({ noise: noiseSuite(), tags: 1_000 })
  const first = memoryOf(keys, 1)
  keys.released(1)
  expect(memoryOf(keys, 2)).not.toBe(first)
})
