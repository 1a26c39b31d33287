import { seededRng, toHex, utf8 } from '@fog/kernel'
import { sha256 } from '@fog/kernel/node'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BlobStore } from '../../ports.ts'
import { verified } from '../checked-content.ts'

export interface BlobStoreUnderTest {
  readonly store: BlobStore
  close(): Promise<void>
}

const MISSING = toHex(sha256(utf8('never stored')))

/** What every `BlobStore` must do. Runs as a Vitest suite; `make` is called before each test. */
export function describeBlobStore(name: string, make: () => Promise<BlobStoreUnderTest>): void {
  // oxlint-disable-next-line vitest/valid-title -- each store names its own suite
  describe(name, () => {
    let under: BlobStoreUnderTest
    beforeEach(async () => {
      under = await make()
    })
    afterEach(() => under.close())

    test('gives back what was put, in whatever pieces it came', async () => {
      const pieces = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 8 })
      await fc.assert(
        fc.asyncProperty(pieces, async (parts) => {
          const whole = Buffer.concat(parts)
          const { digest, size } = await under.store.put(from(parts), 10_000)
          expect({ digest, size }).toEqual({ digest: toHex(sha256(whole)), size: whole.length })
          expect(await contentOf(under.store, digest)).toEqual(whole)
        }),
        { numRuns: 30 },
      )
    })

    test('content that is not there is undefined, and deleting it changes nothing', async () => {
      expect(await under.store.open(MISSING)).toBeUndefined()
      expect(await under.store.has(MISSING)).toBe(false)
      await under.store.delete(MISSING)
    })

    test('deleted content is gone', async () => {
      const { digest } = await under.store.put(from([utf8('short-lived')]), 100)
      expect(await under.store.has(digest)).toBe(true)
      await under.store.delete(digest)
      expect(await under.store.open(digest)).toBeUndefined()
    })

    test('content one byte over the limit is refused and not kept; at the limit it is taken', async () => {
      const content = utf8('12345678')
      await expect(under.store.put(from([content]), 7)).rejects.toMatchObject({ code: 'blob.too_large' })
      expect(await under.store.has(toHex(sha256(content)))).toBe(false)
      expect((await under.store.put(from([content]), 8)).size).toBe(8)
    })

    test('content under a wrong name is not kept', async () => {
      const content = verified(from([utf8('other')]), MISSING)
      await expect(under.store.put(content, 100)).rejects.toMatchObject({ code: 'blob.hash_mismatch' })
      expect(await under.store.has(toHex(sha256(utf8('other'))))).toBe(false)
    })

    test('a source that breaks off leaves nothing', async () => {
      await expect(under.store.put(half(), 100)).rejects.toThrow('the line went dead')
      expect(await under.store.has(toHex(sha256(utf8('half of '))))).toBe(false)
    })

    test('many who put the same content at once all succeed', async () => {
      const content = seededRng(1).bytes(200_000)
      const parts = [content.subarray(0, 70_000), content.subarray(70_000)]
      const answers = await Promise.all(Array.from({ length: 8 }, () => under.store.put(from(parts), 1_000_000)))
      expect(new Set(answers.map(({ digest }) => digest))).toEqual(new Set([toHex(sha256(content))]))
      expect(await contentOf(under.store, answers[0]!.digest)).toEqual(Buffer.from(content))
    })
  })
}

async function* half(): AsyncGenerator<Uint8Array> {
  yield utf8('half of ')
  throw new Error('the line went dead')
}

/** A stream of these parts. */
export async function* from(parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts
}

/** All of a content. */
export async function contentOf(store: BlobStore, digest: string): Promise<Buffer> {
  const found = await store.open(digest)
  const parts: Buffer[] = []
  for await (const part of found!.stream) parts.push(Buffer.from(part))
  const whole = Buffer.concat(parts)
  expect(whole.length).toBe(found!.size)
  return whole
}
