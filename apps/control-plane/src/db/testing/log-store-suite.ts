import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Database, LogChunk } from '../../ports.ts'
import { MadeUp } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeLogStore(open: OpenDatabase): void {
  describe('as a store of logs', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp
    const append = (...chunks: LogChunk[]) => database.transact((tx) => tx.logs.append(chunks))

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    test('chunks of a task come by attempt and sequence, a page at a time', async () => {
      const [taskId, first, second] = [some.id('task'), some.id('attempt'), some.id('attempt')]
      const chunks = [first, first, second].map((attemptId, i) => some.chunk({ taskId, attemptId, sequence: i % 2 }))
      await append(chunks[2]!, chunks[1]!)
      await append(chunks[0]!, some.chunk({ taskId: some.id('task'), attemptId: first, sequence: 0 }))
      const page = await database.read.logs.read(taskId, undefined, 2)
      const rest = await database.read.logs.read(taskId, page[1]!.cursor, 2)
      expect([...page, ...rest].map(({ cursor: _, ...chunk }) => chunk)).toEqual(chunks)
      expect(await database.read.logs.read(taskId, rest[0]!.cursor, 2)).toEqual([])
      expect(await database.read.logs.read(some.id('task'), undefined, 2)).toEqual([])
    })

    test('a chunk that is there already is left as it is', async () => {
      const chunk = some.chunk({ taskId: some.id('task'), attemptId: some.id('attempt'), sequence: 0 })
      await append(chunk)
      await append({ ...chunk, text: 'changed' }, { ...chunk, sequence: 1, stream: 'stderr' })
      const found = await database.read.logs.read(chunk.taskId, undefined, 10)
      expect(found.map(({ text }) => text)).toEqual([chunk.text, chunk.text])
    })

    test('whatever a program writes is kept, but for the NUL character', async () => {
      const text = 'größe \u{1f30d} \\ "quoted" {1,2} NULL \u0001 \0 end'
      const chunk = some.chunk({ taskId: some.id('task'), attemptId: some.id('attempt'), sequence: 0, text })
      await append(chunk)
      const [found] = await database.read.logs.read(chunk.taskId, 'nonsense', 10)
      expect(found?.text).toBe(text.replace('\0', '\ufffd'))
    })
  })
}
