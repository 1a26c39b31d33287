import { mkdtemp, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestServer, type TestServer } from '../http/testing/test-server.ts'
import type { User } from '../ports.ts'
import { bearerOf } from './caller.ts'
import { afterFailure, FIRST_LOCK_MS, isLocked, LONGEST_LOCK_MS, unlocked } from './lockout.ts'
import { NO_PASSWORD, Passwords } from './passwords.ts'
import { hashSecret, sameSecret } from './secrets.ts'
import { localToken } from './setup.ts'

describe('passwords', () => {
  test('are kept as argon2id with the parameters of OWASP', async () => {
    const passwords = await Passwords.open('nobody knows')
    const hash = await passwords.hash('open sesame')
    expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(await passwords.check(hash, 'open sesame')).toBe(true)
    expect(await passwords.check(hash, 'Open sesame')).toBe(false)
  })

  test('of nobody are never right, not even the dummy’s own', async () => {
    const passwords = await Passwords.open('nobody knows')
    for (const hash of [undefined, NO_PASSWORD]) expect(await passwords.check(hash, 'nobody knows')).toBe(false)
  })

  test('are hashed a few at a time, and beyond the queue refused', async () => {
    const passwords = await Passwords.open('x', { maxRunning: 1, maxWaiting: 2 })
    const asked = await Promise.allSettled(Array.from({ length: 5 }, () => passwords.hash('y')))
    expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'rejected'])
    expect(await passwords.check(await passwords.hash('y'), 'y')).toBe(true)
  })
})

describe('the lock', () => {
  const user = { failedLogins: 0 } as User

  test('comes with the fifth failure and grows to a quarter of an hour', () => {
    let failed = user
    const locks: number[] = []
    for (let i = 1; i <= 12; i += 1) {
      failed = afterFailure(failed, 0)
      locks.push(failed.lockedUntil ?? 0)
    }
    expect(locks.slice(0, 5)).toEqual([0, 0, 0, 0, FIRST_LOCK_MS])
    expect(locks.slice(4, 9)).toEqual([30_000, 60_000, 120_000, 240_000, 480_000])
    expect(locks.at(-1)).toBe(LONGEST_LOCK_MS)
  })

  test('never lasts longer than its longest, and is gone after a good log-in', () => {
    fc.assert(
      fc.property(fc.nat(100_000), fc.nat(), (failures, now) => {
        const failed = afterFailure({ ...user, failedLogins: failures }, now)
        expect(isLocked(failed, now + LONGEST_LOCK_MS)).toBe(false)
        expect(isLocked(unlocked(failed), now)).toBe(false)
      }),
    )
  })
})

describe('secrets', () => {
  test('are compared whole and kept as their hash', () => {
    expect(sameSecret('abc', 'abc')).toBe(true)
    expect(sameSecret('abc', 'abd')).toBe(false)
    expect(sameSecret('abc', 'abcd')).toBe(false)
    // SHA-256 of "abc", FIPS 180-2, B.1.
    expect(hashSecret('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test('come as bearer tokens or not at all', () => {
    expect(bearerOf(undefined)).toBeUndefined()
    expect(bearerOf('Bearer fog_abc')).toBe('fog_abc')
    expect(bearerOf('bearer fog_abc')).toBe('fog_abc')
    for (const wrong of ['', 'Bearer', 'Bearer  x', 'Bearer a b', 'Basic x', 'Bearer é']) {
      expect(() => bearerOf(wrong)).toThrow('not known here')
    }
  })
})

describe('the key of this machine', () => {
  let fog: TestServer
  let dataDir: string
  const url = 'http://127.0.0.1:7070'
  beforeEach(async () => {
    fog = await openTestServer()
    dataDir = await mkdtemp(join(tmpdir(), 'fog-local-'))
  })
  afterEach(async () => {
    await fog.stop()
    await rm(dataDir, { recursive: true })
  })
  const make = () => localToken(fog.platform, { dataDir, url })
  const path = () => join(dataDir, 'local.json')

  test('lies in the data folder for its owner’s eyes only, and does everything', async () => {
    const token = await make()
    expect(JSON.parse(await readFile(path(), 'utf8'))).toEqual({ url, token })
    expect((await stat(path())).mode & 0o777).toBe(0o600)
    expect((await fog.ask('listUsers', { token })).statusCode).toBe(200)
  })

  test('stays the same from start to start, with the address of the day', async () => {
    const token = await make()
    expect(await localToken(fog.platform, { dataDir, url: 'http://127.0.0.1:1' })).toBe(token)
    expect(JSON.parse(await readFile(path(), 'utf8'))).toEqual({ url: 'http://127.0.0.1:1', token })
  })

  test('is made anew when the file is gone, broken or its token revoked, and the old one ends', async () => {
    const first = await make()
    await unlink(path())
    const second = await make()
    expect(second).not.toBe(first)
    expect((await fog.ask('getMe', { token: first })).statusCode).toBe(401)
    await writeFile(path(), 'broken {')
    expect(await make()).not.toBe(second)
    await writeFile(path(), '{"token": "fog_of_another_fog"}')
    expect(await make()).not.toBe('fog_of_another_fog')
  })
})
