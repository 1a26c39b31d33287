import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '@fog/kernel/node'
import { CredentialsFile } from './credentials.ts'
import { SessionKeeper, sessionOf } from './session.ts'

/** A fog that rotates refresh tokens and ends the log-in when one comes twice, as the real one does. */
let server: Server
let url = ''
let configDir = ''
let generation = 0
let isEnded = false

beforeEach(async () => {
  configDir = await mkdtemp(join(tmpdir(), 'fog-login-'))
  generation = 0
  isEnded = false
  server = createServer((request, response) => {
    let text = ''
    request.on('data', (part) => (text += part))
    request.on('end', () => {
      const { refreshToken } = JSON.parse(text) as { refreshToken: string }
      isEnded ||= refreshToken !== `refresh-${generation}`
      generation += 1
      const body = isEnded
        ? { type: '', title: '', status: 401, code: 'access.refresh_reused', detail: 'ended' }
        : tokens(generation, 3_600_000)
      response.writeHead(isEnded ? 401 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})

afterEach(async () => {
  server.close()
  await rm(configDir, { recursive: true })
})

function tokens(nth: number, lifeMs: number) {
  const expiresAt = new Date(Date.now() + lifeMs).toISOString()
  return { accessToken: `access-${nth}`, refreshToken: `refresh-${nth}`, expiresAt }
}

const file = () => new CredentialsFile({ configDir, clock: systemClock })

async function loggedIn(lifeMs: number): Promise<SessionKeeper> {
  const session = sessionOf('ada', tokens(0, lifeMs))
  await file().update(url, async () => session)
  return new SessionKeeper({ url, file: file(), clock: systemClock, session })
}

test('a fresh access token is used as it is; one about to end is renewed and kept', async () => {
  expect(await (await loggedIn(60_000)).token()).toBe('access-0')
  expect(await (await loggedIn(1_000)).token()).toBe('access-1')
  expect(await readFile(join(configDir, 'credentials.json'), 'utf8')).toContain('refresh-1')
})

test('log-ins are readable by their owner only', async () => {
  await loggedIn(60_000)
  expect(((await stat(join(configDir, 'credentials.json'))).mode & 0o777).toString(8)).toBe('600')
})

test('many calls at once renew once', async () => {
  const keeper = await loggedIn(1_000)
  expect(await Promise.all([1, 2, 3, 4].map(() => keeper.token()))).toEqual(Array(4).fill('access-1'))
  expect(generation).toBe(1)
})

test('many processes at once renew once, and all go on', async () => {
  await loggedIn(1_000)
  const program = `
    import { CredentialsFile } from ${JSON.stringify(new URL('./credentials.ts', import.meta.url).href)}
    import { SessionKeeper } from ${JSON.stringify(new URL('./session.ts', import.meta.url).href)}
    import { systemClock as clock } from '@fog/kernel/node'
    const file = new CredentialsFile({ configDir: ${JSON.stringify(configDir)}, clock })
    const session = (await file.read()).logins[${JSON.stringify(url)}]
    process.stdout.write(await new SessionKeeper({ url: ${JSON.stringify(url)}, file, clock, session }).token())`
  const run = async () => {
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
      cwd: import.meta.dirname,
    })
    let text = ''
    child.stdout.on('data', (part) => (text += part))
    await once(child, 'close')
    return text
  }
  expect(await Promise.all([run(), run(), run(), run()])).toEqual(Array(4).fill('access-1'))
  expect([generation, isEnded]).toEqual([1, false])
})

test('a log-in that was ended there is forgotten here, and said so', async () => {
  const keeper = await loggedIn(1_000)
  isEnded = true
  await expect(keeper.token()).rejects.toMatchObject({ code: 'cli.login_ended' })
  expect((await file().read()).logins).toEqual({})
})

test('a fog that is away does not cost the log-in', async () => {
  const keeper = await loggedIn(1_000)
  server.close()
  await expect(keeper.token()).rejects.toThrow('does not answer')
  expect(Object.keys((await file().read()).logins)).toEqual([url])
})

test('a damaged file is said to be so, and not overwritten', async () => {
  await loggedIn(60_000)
  await writeFile(join(configDir, 'credentials.json'), '{"version": 2}')
  await expect(file().read()).rejects.toMatchObject({ code: 'cli.credentials_unreadable' })
  await expect(file().update(url, async () => undefined)).rejects.toMatchObject({ code: 'cli.credentials_unreadable' })
})
