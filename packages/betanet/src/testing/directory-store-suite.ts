import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { DirectoryStore, Evidence } from '../directory/index.ts'

/** A store with what must be let go of after each test. */
export interface DirectoryStoreHarness {
  readonly store: DirectoryStore
  close(): Promise<void>
}

/** What every `DirectoryStore` promises. `makeStore` is called for each test and hands out an empty store. */
export function describeDirectoryStore(name: string, makeStore: () => Promise<DirectoryStoreHarness>): void {
  describe(`${name} as a directory store`, () => {
    let harness: DirectoryStoreHarness
    let store: DirectoryStore

    beforeEach(async () => {
      harness = await makeStore()
      store = harness.store
    })
    afterEach(() => harness.close())

    test('a descriptor is found as it was put, and replaced by the next for the same node and epoch', async () => {
      await store.putDescriptor(3, 'aa', bytes(1))
      await store.putDescriptor(3, 'aa', bytes(2))
      expect(await store.findDescriptor(3, 'aa')).toEqual(bytes(2))
      expect(await store.findDescriptor(3, 'bb')).toBeUndefined()
      expect(await store.findDescriptor(4, 'aa')).toBeUndefined()
    })

    test('descriptors of an epoch come in the order of their nodes', async () => {
      for (const id of ['0c', 'ff', '0b', 'a0']) await store.putDescriptor(3, id, bytes(Number.parseInt(id, 16)))
      await store.putDescriptor(4, '00', bytes(9))
      expect(await store.listDescriptors(3)).toEqual([0x0b, 0x0c, 0xa0, 0xff].map(bytes))
      expect(await store.listDescriptors(5)).toEqual([])
      expect(await Promise.all([3, 4, 5].map((epoch) => store.countDescriptors(epoch)))).toEqual([4, 1, 0])
    })

    test('the first vote and the first digest of an epoch stay', async () => {
      expect(await store.findVote(7)).toBeUndefined()
      expect(await store.pinVote(7, bytes(1))).toEqual(bytes(1))
      expect(await store.pinVote(7, bytes(2))).toEqual(bytes(1))
      expect(await store.findVote(7)).toEqual(bytes(1))
      expect(await store.pinVote(8, bytes(2))).toEqual(bytes(2))
      expect(await store.pinDigest(7, bytes(5))).toEqual(bytes(5))
      expect(await store.pinDigest(7, bytes(6))).toEqual(bytes(5))
      expect(await store.pinDigest(8, bytes(6))).toEqual(bytes(6))
    })

    test('of pins at once, one is the first for all', async () => {
      const pinned = await Promise.all([1, 2, 3, 4].map((value) => store.pinVote(9, bytes(value))))
      expect(new Set(pinned.map((vote) => vote[0])).size).toBe(1)
    })

    test('the first consensus of an epoch stays, and the last below an epoch is found', async () => {
      expect(await store.findLastConsensus()).toBeUndefined()
      expect(await store.addConsensus(2, bytes(2))).toBe('added')
      expect(await store.addConsensus(10, bytes(10))).toBe('added')
      expect(await store.addConsensus(10, bytes(11))).toBe('exists')
      expect(await store.findConsensus(10)).toEqual(bytes(10))
      expect(await store.findConsensus(3)).toBeUndefined()
      expect(await store.findLastConsensus()).toEqual(bytes(10))
      expect(await store.findLastConsensus(10)).toEqual(bytes(2))
      expect(await store.findLastConsensus(2)).toBeUndefined()
    })

    test('evidence is kept once for each kind, culprit and epoch, and listed from the latest on', async () => {
      const evidence = (epoch: number, value: number): Evidence => ({
        kind: 'vote',
        culprit: 'ab',
        epoch,
        first: bytes(value),
        second: bytes(value + 1),
      })
      for (const one of [evidence(3, 1), evidence(5, 3), evidence(3, 5)]) await store.addEvidence(one)
      await store.addEvidence({ ...evidence(4, 7), kind: 'descriptor' })
      const listed = await store.listEvidence(10)
      expect(listed.map(({ epoch }) => epoch)).toEqual([5, 4, 3])
      expect(listed[2]).toEqual(evidence(3, 1))
      expect(await store.listEvidence(1)).toHaveLength(1)
    })

    test('what is old is let go of, save consensuses and evidence', async () => {
      for (const epoch of [1, 2]) {
        await store.putDescriptor(epoch, 'aa', bytes(epoch))
        await store.pinVote(epoch, bytes(epoch))
        await store.pinDigest(epoch, bytes(epoch))
        await store.addConsensus(epoch, bytes(epoch))
      }
      await store.forgetBefore(2)
      expect(await store.findDescriptor(1, 'aa')).toBeUndefined()
      expect(await store.findVote(1)).toBeUndefined()
      expect(await store.findConsensus(1)).toEqual(bytes(1))
      expect(await store.findDescriptor(2, 'aa')).toEqual(bytes(2))
      expect(await store.findVote(2)).toEqual(bytes(2))
      expect(await store.pinDigest(2, bytes(9))).toEqual(bytes(2))
    })
  })
}

function bytes(value: number): Uint8Array {
  return Uint8Array.of(value, 1, 2, 255)
}
