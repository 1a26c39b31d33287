import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { utf8 } from '@fog/kernel'
import { systemClock, systemRng } from '@fog/kernel/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { FolderBlobStore } from './folder-blob-store.ts'
import { contentOf, describeBlobStore, from } from './testing/blob-store-suite.ts'

const SYSTEM = { clock: systemClock, rng: systemRng }

describeBlobStore('FolderBlobStore', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fog-blobs-'))
  const store = await FolderBlobStore.open(folder, SYSTEM)
  return { store, close: () => rm(folder, { recursive: true }) }
})

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'fog-blobs-'))
})
afterEach(() => rm(folder, { recursive: true }))

test('content is found again by the next process', async () => {
  const first = await FolderBlobStore.open(folder, SYSTEM)
  const { digest } = await first.put(from([utf8('kept')]), 100)
  const second = await FolderBlobStore.open(folder, SYSTEM)
  expect(String(await contentOf(second, digest))).toBe('kept')
})

test('drafts left by a crash are swept at the start; those of a live upload stay', async () => {
  await FolderBlobStore.open(folder, SYSTEM)
  const [left, live] = [join(folder, 'drafts', 'left'), join(folder, 'drafts', 'live')]
  await writeFile(left, 'half')
  await writeFile(live, 'half')
  const longAgo = new Date(Date.now() - 2 * 3_600_000)
  await utimes(left, longAgo, longAgo)
  await FolderBlobStore.open(folder, SYSTEM)
  expect(await readdir(join(folder, 'drafts'))).toEqual(['live'])
})

test('refused content leaves no draft behind', async () => {
  const store = await FolderBlobStore.open(folder, SYSTEM)
  await expect(store.put(from([utf8('too long')]), 3)).rejects.toMatchObject({ code: 'blob.too_large' })
  expect(await readdir(join(folder, 'drafts'))).toEqual([])
})

test('whoever reads goes on reading when the content is deleted', async () => {
  const store = await FolderBlobStore.open(folder, SYSTEM)
  const { digest } = await store.put(from([utf8('still here')]), 100)
  const opened = await store.open(digest)
  await store.delete(digest)
  const parts: Buffer[] = []
  for await (const part of opened!.stream) parts.push(Buffer.from(part))
  expect(Buffer.concat(parts).toString()).toBe('still here')
})
