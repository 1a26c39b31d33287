import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { BlobRef } from '@fog/contract'
import { type AttemptId, newId, utf8 } from '@fog/kernel'
import { systemClock, systemRng } from '@fog/kernel/node'
import { DEFAULT_INPUTS, InputCache, type InputOptions } from './inputs.ts'
import { NodeApi, NodeToken } from './node-api.ts'
import { until } from './testing/processes.ts'
import { digestOf } from './testing/programs.ts'

const attemptId: AttemptId = newId('attempt', 1, systemRng)
const never = new AbortController().signal
const content = new Map<string, Uint8Array>()
let fetches: string[] = []
let answer: ((digest: string, response: ServerResponse) => boolean) | undefined
let server: Server
let folder: string

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'fog-inputs-'))
  fetches = []
  answer = undefined
  server = createServer((request, response) => {
    const digest = request.url!.split('/').at(-1)!
    fetches.push(digest)
    if (answer?.(digest, response)) return
    const bytes = content.get(digest)
    response.writeHead(bytes ? 200 : 404).end(bytes)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})

afterEach(() => {
  server.closeAllConnections()
  server.close()
  rmSync(folder, { recursive: true, force: true })
})

test('content that many ask for at once is fetched once and is what its hash says', async () => {
  const blob = offered('wanted by all')
  const cache = newCache()
  const taken = await Promise.all(Array.from({ length: 20 }, () => cache.take(attemptId, blob, never)))
  expect(fetches).toEqual([blob.digest])
  expect(taken.map(({ file }) => readFileSync(file, 'utf8'))).toEqual(Array(20).fill('wanted by all'))
})

test('the cache keeps to its size: the longest unused goes first, and never what is in use', async () => {
  const [a, b, c] = ['a', 'b', 'c'].map((letter) => offered(letter.repeat(400)))
  const cache = newCache({ maxBytes: 1000 })
  const first = await cache.take(attemptId, a!, never)
  const second = await cache.take(attemptId, b!, never)
  second.release()
  const third = await cache.take(attemptId, c!, never)
  expect(kept()).toEqual([a!.digest, c!.digest].sort())
  first.release()
  third.release()
  ;(await cache.take(attemptId, b!, never)).release()
  expect(kept()).toEqual([b!.digest, c!.digest].sort())
  expect(cache.bytes).toBe(800)
})

test('what is larger than the cache is there while it is in use', async () => {
  const blob = offered('x'.repeat(5000))
  const cache = newCache({ maxBytes: 1000 })
  const input = await cache.take(attemptId, blob, never)
  expect(readFileSync(input.file).length).toBe(5000)
  input.release()
  expect(kept()).toEqual([])
})

test('content of an earlier run is used when it is whole and fetched again when it is not', async () => {
  const [whole, broken] = [offered('still whole'), offered('no longer whole')]
  writeFileSync(join(folder, whole.digest), 'still whole')
  writeFileSync(join(folder, broken.digest), 'no longer')
  const cache = newCache()
  await cache.take(attemptId, whole, never)
  const input = await cache.take(attemptId, broken, never)
  expect(fetches).toEqual([broken.digest])
  expect(readFileSync(input.file, 'utf8')).toBe('no longer whole')
})

test('an answer longer than promised is not read to its end', async () => {
  const blob = offered('short')
  answer = (_, response) => {
    const flood = setInterval(() => response.write(Buffer.alloc(65_536)), 1)
    response.on('close', () => clearInterval(flood))
    return true
  }
  await expect(newCache({ tries: 1 }).take(attemptId, blob, never)).rejects.toThrow(/came damaged/)
  expect(readdirSync(join(folder, 'drafts'))).toEqual([])
})

test('a fetch that falls silent is started again', async () => {
  const blob = offered('comes at last')
  let isSilent = true
  answer = (_, response) => {
    if (isSilent) response.write('comes')
    const wasSilent = isSilent
    isSilent = false
    return wasSilent
  }
  const input = await newCache({ silenceMs: 100 }).take(attemptId, blob, never)
  expect(readFileSync(input.file, 'utf8')).toBe('comes at last')
  expect(fetches).toHaveLength(2)
})

test('one who gives up does not take the others with it', async () => {
  const blob = offered('for the second')
  const held: ServerResponse[] = []
  answer = (_, response) => held.push(response) === 1
  const cache = newCache()
  const stop = new AbortController()
  const first = cache.take(attemptId, blob, stop.signal).catch((fault: Error) => fault.message)
  const second = cache.take(attemptId, blob, never)
  await until('the first asks', () => held.length === 1)
  stop.abort(new Error('cancelled'))
  expect(await first).toBe('cancelled')
  expect(readFileSync((await second).file, 'utf8')).toBe('for the second')
})

test('without a channel a fetch waits for the token, and not longer than it may', async () => {
  const blob = offered('later')
  const token = new NodeToken()
  const cache = newCache({ deadlineMs: 100 }, token)
  await expect(cache.take(attemptId, blob, never)).rejects.toThrow(/could not be fetched/)
  const patient = newCache({}, token)
  const taken = patient.take(attemptId, blob, never)
  token.set('now')
  expect(readFileSync((await taken).file, 'utf8')).toBe('later')
})

function offered(text: string): BlobRef {
  const bytes = utf8(text)
  content.set(digestOf(bytes), bytes)
  return { digest: digestOf(bytes), size: bytes.length }
}

function newCache(wishes: Partial<InputOptions> = {}, token = goodToken()): InputCache {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const api = new NodeApi({ url, token })
  const options = { ...DEFAULT_INPUTS, firstPauseMs: 1, maxBytes: 1_000_000, ...wishes }
  return new InputCache({ folder, api, clock: systemClock, rng: systemRng }, options)
}

function goodToken(): NodeToken {
  const token = new NodeToken()
  token.set('good')
  return token
}

function kept(): string[] {
  return readdirSync(folder)
    .filter((name) => name !== 'drafts')
    .sort()
}
