import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AttemptId, TaskId } from '@fog/kernel'
import type { Checkpoint } from '@fog/scheduler'
import type { CheckpointStore, Database, StateFile } from '../../ports.ts'
import { MadeUp } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeCheckpointStore(open: OpenDatabase): void {
  describe('as a store of checkpoints', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp
    let taskId: TaskId
    let [a, b]: AttemptId[] = []
    const inside = <T>(work: (store: CheckpointStore) => Promise<T>) => database.transact((tx) => work(tx.checkpoints))
    const add = (...files: readonly StateFile[]) =>
      inside(async (store) => {
        for (const file of files) await store.addFile(file)
      })
    const leftovers = () => inside((store) => store.listLeftovers(100))

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
      taskId = some.id('task')
      ;[a, b] = [some.id('attempt'), some.id('attempt')]
    })
    afterEach(() => close())

    const small = (attemptId: AttemptId, digest = some.hash()): StateFile => {
      return { attemptId, taskId, digest, size: 3, kept: { content: Uint8Array.of(1, 0, 255) }, at: 5 }
    }
    const large = (attemptId: AttemptId, digest = some.hash()): StateFile => {
      return { attemptId, taskId, digest, size: 2 ** 33, kept: { as: some.hash() }, at: 5 }
    }
    const nameOf = ({ kept }: StateFile) => ('as' in kept ? kept.as : '')
    const checkpoint = (
      attemptId: AttemptId,
      fence: number,
      sequence: number,
      files: readonly StateFile[],
    ): Checkpoint => ({
      attemptId,
      taskId,
      fence,
      sequence,
      files: files.map(({ digest, size }, i) => ({ path: `part/${i}`, digest, size })),
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      work: [
        { attemptId, nodeId: some.id('node'), ownerId: some.id('account'), fuel: 2n ** 60n, cpuMs: 1.5, wallMs: 2.25 },
      ],
      signature: 'ab',
      at: 7,
    })

    test('a checkpoint and its files come back as they were kept', async () => {
      const files = [small(a!), large(a!)]
      await add(...files)
      const kept = checkpoint(a!, 1, 1, files)
      expect(await inside((store) => store.save(kept, undefined))).toBeUndefined()
      expect(await inside((store) => store.newest([taskId, some.id('task')]))).toEqual(new Map([[taskId, kept]]))
      for (const file of files) expect(await inside((store) => store.findFile(a!, file.digest))).toEqual(file)
      expect(await inside((store) => store.findFile(b!, files[0]!.digest))).toBeUndefined()
      expect(await inside((store) => store.bytesOf(a!))).toBe(2 ** 33 + 3)
      expect(await leftovers()).toEqual([])
    })

    test('one that names what was not brought, or has another size, changes nothing', async () => {
      const [brought, missing] = [small(a!), small(a!)]
      await add(brought)
      const first = checkpoint(a!, 1, 1, [brought])
      await inside((store) => store.save(first, undefined))
      expect(await inside((store) => store.save(checkpoint(a!, 1, 2, [brought, missing]), undefined))).toBe(
        missing.digest,
      )
      const wrong = checkpoint(a!, 1, 2, [{ ...brought, size: 4 }])
      expect(await inside((store) => store.save(wrong, undefined))).toBe(brought.digest)
      expect((await inside((store) => store.newest([taskId]))).get(taskId)).toEqual(first)
    })

    test('the next one of an attempt takes the place of the last, whose files are let go unless named again', async () => {
      const [stays, goes, comes] = [large(a!), large(a!), large(a!)]
      await add(stays, goes)
      await inside((store) => store.save(checkpoint(a!, 1, 1, [stays, goes]), undefined))
      await add(comes)
      await inside((store) => store.save(checkpoint(a!, 1, 2, [stays, comes]), undefined))
      expect((await inside((store) => store.newest([taskId]))).get(taskId)).toMatchObject({ sequence: 2 })
      expect(await leftovers()).toEqual([nameOf(goes)])
      expect(await inside((store) => store.findFile(a!, goes.digest))).toBeUndefined()
      await inside((store) => store.forgetLeftovers([nameOf(goes)]))
      expect(await leftovers()).toEqual([])
    })

    test('an attempt that went on from another takes over what it still names', async () => {
      const [stays, goes, twice] = [large(a!), large(a!), large(a!)]
      await add(stays, goes, twice)
      await inside((store) => store.save(checkpoint(a!, 1, 9, [stays, goes, twice]), undefined))
      const [own, again] = [small(b!), large(b!, twice.digest)]
      await add(own, again)
      const next = checkpoint(b!, 2, 1, [own, stays, again])
      expect(await inside((store) => store.save(next, a))).toBeUndefined()
      expect((await inside((store) => store.newest([taskId]))).get(taskId)).toEqual(next)
      expect(await inside((store) => store.findFile(b!, stays.digest))).toEqual({ ...stays, attemptId: b })
      expect(await inside((store) => store.bytesOf(a!))).toBe(0)
      expect(await leftovers()).toEqual([nameOf(goes), nameOf(twice)].sort())
    })

    test('of two attempts side by side, the later one has the newest', async () => {
      const [one, other] = [small(a!), small(b!)]
      await add(one, other)
      await inside((store) => store.save(checkpoint(b!, 2, 1, [other]), undefined))
      await inside((store) => store.save(checkpoint(a!, 1, 5, [one]), undefined))
      expect((await inside((store) => store.newest([taskId]))).get(taskId)).toMatchObject({ attemptId: b! })
      expect(await inside((store) => store.findFile(a!, one.digest))).toEqual(one)
    })

    test('content brought twice is kept once', async () => {
      const first = large(a!)
      const second = large(a!, first.digest)
      await add(first, second)
      expect(await inside((store) => store.findFile(a!, first.digest))).toEqual(first)
      expect(await leftovers()).toEqual([nameOf(second)])
    })

    test('what a task left goes when it is over, and what nobody named goes in time', async () => {
      const [named, unnamed, young] = [large(a!), large(a!), { ...large(b!), at: 50 }]
      await add(named)
      await inside((store) => store.save(checkpoint(a!, 1, 1, [named]), undefined))
      await add(unnamed, young)
      expect(await inside((store) => store.releaseUnnamed(50, 10))).toBe(1)
      expect(await leftovers()).toEqual([nameOf(unnamed)])
      await inside((store) => store.release([taskId]))
      expect(await inside((store) => store.newest([taskId]))).toEqual(new Map())
      expect(await leftovers()).toEqual([named, unnamed, young].map(nameOf).sort())
      expect(await inside((store) => store.releaseUnnamed(100, 10))).toBe(0)
    })

    test('an empty checkpoint is one too', async () => {
      const empty = checkpoint(a!, 1, 1, [])
      expect(await inside((store) => store.save(empty, undefined))).toBeUndefined()
      expect((await inside((store) => store.newest([taskId]))).get(taskId)).toEqual(empty)
    })
  })
}
