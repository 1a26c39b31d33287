import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type AttemptId, newId, seededRng } from '@fog/kernel'
import { DEFAULT_SPOOL, type FinishedAttempt, Spool } from './spool.ts'

const rng = seededRng(1)
const folders: string[] = []

afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true, force: true })))

test('a result survives until it is forgotten, and ends its lease', async () => {
  const folder = newFolder()
  const result = finished()
  const first = await Spool.open(folder)
  await first.accept(result)
  await first.finish(result)
  await first.close()

  const second = await Spool.open(folder)
  expect(second.unacknowledged()).toEqual([result.attemptId])
  expect(second.interrupted).toEqual([])
  expect(await second.find(result.attemptId)).toEqual(result)
  await second.forget([result.attemptId])
  await second.close()

  const third = await Spool.open(folder)
  expect(third.unacknowledged()).toEqual([])
  await third.close()
})

test('a lease that was not finished is known after a restart, and not after it was dropped', async () => {
  const folder = newFolder()
  const { attemptId, fence } = finished()
  const first = await Spool.open(folder)
  await first.accept({ attemptId, fence })
  await first.close()

  const second = await Spool.open(folder)
  expect(second.interrupted).toEqual([{ attemptId, fence }])
  void second.drop(attemptId)
  // What may wait is committed at the latest when the spool is closed.
  await second.close()

  const third = await Spool.open(folder)
  expect(third.interrupted).toEqual([])
  await third.close()
})

test('a second worker on the same folder is refused', async () => {
  const folder = newFolder()
  const spool = await Spool.open(folder)
  await expect(Spool.open(folder)).rejects.toMatchObject({ facts: { code: 'worker.folder_in_use', folder } })
  await spool.close()
  await (await Spool.open(folder)).close()
})

test('a file that is no spool is named, and what to do with it', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'spool.db'), 'this is not a database, and long enough to be looked at '.repeat(100))
  await expect(Spool.open(folder)).rejects.toThrow(/spool.db cannot be used/)
})

test('it is full by count, and no longer once results are acknowledged', async () => {
  const spool = await Spool.open(newFolder(), { ...DEFAULT_SPOOL, maxResults: 2 })
  const results = [finished(), finished()]
  for (const result of results) await spool.finish(result)
  expect(spool.isFull).toBe(true)
  await spool.forget([results[0]!.attemptId])
  expect(spool.isFull).toBe(false)
  await spool.close()
})

test('it is full by bytes', async () => {
  const spool = await Spool.open(newFolder(), { ...DEFAULT_SPOOL, maxBytes: 100 })
  await spool.finish({ ...finished(), message: 'x'.repeat(60), uploadBytes: 30 })
  expect(spool.isFull).toBe(false)
  await spool.finish({ ...finished(), message: 'x'.repeat(5), uploadBytes: 5 })
  expect(spool.isFull).toBe(true)
  await spool.close()
})

test('changes of one turn are one commit, in order', async () => {
  const spool = await Spool.open(newFolder())
  const results = Array.from({ length: 500 }, finished)
  await Promise.all(results.map((result) => spool.finish(result)))
  expect(spool.unacknowledged()).toEqual(results.map(({ attemptId }) => attemptId))
  await spool.close()
})

function finished(): FinishedAttempt {
  const attemptId: AttemptId = newId('attempt', 1, rng)
  return { attemptId, fence: 3, message: '{"type":"result"}', uploads: ['a'.repeat(64)], uploadBytes: 0 }
}

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'fog-spool-'))
  folders.push(folder)
  return folder
}
