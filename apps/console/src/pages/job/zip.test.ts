import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 as nodeCrc32 } from 'node:zlib'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32, safePath, zip } from './zip.ts'

const entry = (name: string, bytes: Uint8Array<ArrayBuffer>) => ({
  name,
  content: new Blob([bytes]),
  crc32: crc32(bytes),
})

test('another program unpacks what was packed', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fog-zip-'))
  try {
    const files = [entry('0-a/out.txt', new TextEncoder().encode('hello')), entry('1-ü/empty', new Uint8Array(0))]
    writeFileSync(join(folder, 'results.zip'), await zip(files).bytes())
    execFileSync('python3', ['-m', 'zipfile', '-e', join(folder, 'results.zip'), folder])
    expect(readFileSync(join(folder, '0-a/out.txt'), 'utf8')).toBe('hello')
    expect(readFileSync(join(folder, '1-ü/empty')).length).toBe(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('the checksum is the one everybody computes', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(crc32(bytes)).toBe(nodeCrc32(bytes))
    }),
  )
})

test('no name leaves the folder', () => {
  expect(['../../etc/passwd', '/out/a.txt', 'a\\..\\b', '..', 'c:/x'].map(safePath)).toEqual([
    'etc/passwd',
    'out/a.txt',
    'a/b',
    '_',
    'c_/x',
  ])
})
