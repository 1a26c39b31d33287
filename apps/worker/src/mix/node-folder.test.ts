import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRng } from '@fog/kernel/node'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { lockFolder } from './folder-lock.ts'
import { KeptDocuments } from './kept-documents.ts'
import { openMixKeys, openPeerKeys } from './keys.ts'

let folder: string
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fog-mix-folder-'))))
afterEach(() => rmSync(folder, { recursive: true }))

test('keys are made once, for their owner only, and found again', () => {
  const keys = openMixKeys(folder, systemRng)
  expect(statSync(join(folder, 'keys.json')).mode & 0o777).toBe(0o600)
  expect(openMixKeys(folder, systemRng)).toEqual(keys)
  expect(openPeerKeys(folder, systemRng)).toEqual(openPeerKeys(folder, systemRng))
})

test.each(['', '{"version":1}', '{"version":1,"identity":"00","link":"00","vrf":"00"}', 'null', '{"version":2}'])(
  'keys in %j are refused, and stay as they are',
  (text) => {
    const file = join(folder, 'keys.json')
    writeFileSync(file, text)
    expect(() => openMixKeys(folder, systemRng)).toThrow(expect.objectContaining({ code: 'mix.keys_unreadable' }))
    expect(readFileSync(file, 'utf8')).toBe(text)
  },
)

test('a folder is one program’s at a time', () => {
  const held = lockFolder(folder)
  expect(() => lockFolder(folder)).toThrow(expect.objectContaining({ code: 'mix.folder_in_use' }))
  held.release()
  lockFolder(folder).release()
})

test('a folder that cannot be made is named', () => {
  const file = join(folder, 'file')
  writeFileSync(file, '')
  chmodSync(file, 0o400)
  expect(() => lockFolder(join(file, 'in'))).toThrow(expect.objectContaining({ code: 'mix.folder_unusable' }))
})

test('the two newest consensuses are kept, oldest first', () => {
  const texts = (documents: KeptDocuments) => documents.read().map((bytes) => Buffer.from(bytes).toString())
  const documents = new KeptDocuments(folder)
  documents.write(['a', 'b', 'c'].map((text) => Buffer.from(text)))
  expect(texts(new KeptDocuments(folder))).toEqual(['b', 'c'])
  documents.write([Buffer.from('d')])
  expect(texts(documents)).toEqual(['d'])
})
