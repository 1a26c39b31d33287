import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { BlobIndex, Database } from '../../ports.ts'
import { MadeUp } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeBlobIndex(open: OpenDatabase): void {
  describe('as an index of content', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp
    const inside = <T>(work: (index: BlobIndex) => Promise<T>) => database.transact((tx) => work(tx.blobs))

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    test('sizes are those of known content', async () => {
      const [a, b, c] = [some.hash(), some.hash(), some.hash()]
      await inside((index) =>
        index.add([
          { digest: a, size: 2 ** 41 + 1, at: 1 },
          { digest: b, size: 0, at: 1 },
        ]),
      )
      expect(await inside((index) => index.sizes([a, b, c, a]))).toEqual(
        new Map([
          [a, 2 ** 41 + 1],
          [b, 0],
        ]),
      )
      expect(await inside((index) => index.sizes([]))).toEqual(new Map())
    })

    test('small content comes back byte for byte', async () => {
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      const [a, b] = [some.hash(), some.hash()]
      const blobs = [
        { digest: a, content: every, at: 1 },
        { digest: b, content: new Uint8Array(), at: 1 },
      ]
      await inside((index) => index.addSmall(blobs))
      expect(await inside((index) => index.findSmall(a))).toEqual(every)
      expect(await inside((index) => index.findSmall(b))).toEqual(new Uint8Array())
      expect(await inside((index) => index.sizes([a, b]))).toEqual(
        new Map([
          [a, 256],
          [b, 0],
        ]),
      )
    })

    test('large content is known, but not kept here', async () => {
      const digest = some.hash()
      await inside((index) => index.add([{ digest, size: 10, at: 1 }]))
      expect(await inside((index) => index.findSmall(digest))).toBeUndefined()
      expect(await inside((index) => index.findSmall(some.hash()))).toBeUndefined()
    })

    test('adding again changes nothing', async () => {
      const [a, b] = [some.hash(), some.hash()]
      const content = new Uint8Array([1, 2])
      await inside((index) =>
        index.addSmall([
          { digest: a, content, at: 1 },
          { digest: a, content, at: 1 },
        ]),
      )
      await inside((index) =>
        index.add([
          { digest: a, size: 99, at: 2 },
          { digest: b, size: 5, at: 2 },
        ]),
      )
      await inside((index) => index.addSmall([{ digest: b, content, at: 3 }]))
      expect(await inside((index) => index.sizes([a, b]))).toEqual(
        new Map([
          [a, 2],
          [b, 5],
        ]),
      )
      expect(await inside((index) => index.findSmall(a))).toEqual(content)
    })

    test('the same content added by many at once is added once', async () => {
      const digests = Array.from({ length: 8 }, () => some.hash())
      const add = (order: readonly string[]) =>
        inside((index) => index.add(order.map((digest) => ({ digest, size: 1, at: 1 }))))
      await Promise.all([add(digests), add(digests.toReversed()), add(digests), add(digests.toReversed())])
      expect((await inside((index) => index.sizes(digests))).size).toBe(8)
    })

    test('content may be read by the accounts it was granted to', async () => {
      const [ann, bob] = [some.id('account'), some.id('account')]
      const [a, b, c] = [some.hash(), some.hash(), some.hash()]
      await inside((index) => index.grant([a, b, a].map((digest) => ({ accountId: ann, digest }))))
      await inside((index) => index.grant([{ accountId: ann, digest: a }]))
      await inside((index) => index.grant([{ accountId: bob, digest: c }]))
      await inside((index) => index.grant([]))
      expect(await inside((index) => index.readable(ann, [a, b, c]))).toEqual(new Set([a, b]))
      expect(await inside((index) => index.readable(bob, [a, b, c]))).toEqual(new Set([c]))
      expect(await inside((index) => index.readable(ann, []))).toEqual(new Set())
      const asked = [ann, bob].flatMap((accountId) => [a, c].map((digest) => ({ accountId, digest })))
      expect(new Set(await inside((index) => index.granted(asked)))).toEqual(
        new Set([
          { accountId: ann, digest: a },
          { accountId: bob, digest: c },
        ]),
      )
      expect(await inside((index) => index.granted([]))).toEqual([])
    })

    test('content is known by the ways it came, to an account or to anybody', async () => {
      const [ann, bob] = [some.id('account'), some.id('account')]
      const [a, b, c] = [some.hash(), some.hash(), some.hash()]
      await inside((index) =>
        index.grant([
          { accountId: ann, digest: a, reach: 'mixnet' },
          { accountId: ann, digest: b },
          { accountId: bob, digest: b, reach: 'mixnet' },
        ]),
      )
      const came = (account: typeof ann | undefined, reach: 'direct' | 'mixnet') =>
        inside((index) => index.came(account, [a, b, c], reach))
      expect(await came(ann, 'mixnet')).toEqual(new Set([a]))
      expect(await came(ann, 'direct')).toEqual(new Set([b]))
      expect(await came(undefined, 'mixnet')).toEqual(new Set([a, b]))
      expect(await came(undefined, 'direct')).toEqual(new Set([b]))
      expect(await inside((index) => index.readable(ann, [a, b, c]))).toEqual(new Set([a, b]))
      expect(await inside((index) => index.granted([{ accountId: ann, digest: a }]))).toHaveLength(1)
      await inside((index) => index.grant([{ accountId: ann, digest: a }]))
      expect(await came(ann, 'mixnet')).toEqual(new Set([a]))
      expect(await came(ann, 'direct')).toEqual(new Set([a, b]))
      expect(await inside((index) => index.came(ann, [], 'direct'))).toEqual(new Set())
    })
  })
}
