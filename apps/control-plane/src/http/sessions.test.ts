import type { Problem, SessionTokens } from '@fog/contract'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ensureFirstAdmin } from '../access/index.ts'
import { openTestServer, PASSWORD, type TestPerson, type TestServer } from './testing/test-server.ts'

let fog: TestServer
let ada: TestPerson
beforeEach(async () => {
  fog = await openTestServer()
  ada = await fog.addPerson('ada')
})
afterEach(() => fog.stop())

const MINUTE = 60_000

function cookieOf(response: { headers: Record<string, unknown> }): string {
  return String(response.headers['set-cookie'])
}

describe('set-up', () => {
  test('is needed until the code is used, and the code works once', async () => {
    expect((await fog.ask('getSetup', {})).json()).toEqual({ needed: true })
    const body = { code: fog.setupCode, name: 'grace', password: PASSWORD, keep: 'body' } as const
    const done = await fog.ask('setup', { body })
    expect(done.statusCode).toBe(201)
    expect((await fog.ask('getSetup', {})).json()).toEqual({ needed: false })

    const me = await fog.ask('getMe', { token: done.json<SessionTokens>().accessToken })
    expect(me.json()).toMatchObject({ name: 'grace', role: 'admin', available: '10000', onHold: '0' })
    const again = await fog.ask('setup', { body })
    expect(again.statusCode).toBe(403)
    expect(again.json<Problem>().code).toBe('access.setup_refused')
    expect(await ensureFirstAdmin(fog.platform, fog.access)).toBeUndefined()
  })

  test('the link can be printed again as long as nobody used it', async () => {
    expect(await ensureFirstAdmin(fog.platform, fog.access)).toBe(fog.setupCode)
  })

  test('a wrong code, a taken name and a short password are refused and leave the code good', async () => {
    const body = { code: fog.setupCode, name: 'grace', password: PASSWORD, keep: 'body' } as const
    expect((await fog.ask('setup', { body: { ...body, code: 'wrong' } })).json<Problem>().code).toBe(
      'access.setup_refused',
    )
    expect((await fog.ask('setup', { body: { ...body, name: 'ada' } })).json<Problem>().code).toBe('access.name_taken')
    expect((await fog.ask('setup', { body: { ...body, password: 'short' } })).statusCode).toBe(400)
    expect((await fog.ask('setup', { body })).statusCode).toBe(201)
  })

  test('nobody logs in as the admin who has no password yet', async () => {
    for (const password of ['', '!', 'admin', fog.setupCode]) {
      const response = await fog.ask('logIn', { body: { name: 'admin', password, keep: 'body' } })
      expect(response.json<Problem>().code).toBe('access.login_refused')
    }
  })
})

describe('log-in', () => {
  test('gives a token that is good for ten minutes and not a second more', async () => {
    const { accessToken } = await fog.logIn(ada)
    fog.clock.advance(10 * MINUTE - 1000)
    expect((await fog.ask('getMe', { token: accessToken })).statusCode).toBe(200)
    fog.clock.advance(2000)
    const late = await fog.ask('getMe', { token: accessToken })
    expect(late.statusCode).toBe(401)
    expect(late.json<Problem>().code).toBe('access.token_expired')
    expect(late.headers['www-authenticate']).toBe('Bearer')
  })

  test('answers the same for a wrong name, a wrong password and a disabled user', async () => {
    const admin = await fog.addPerson('root', 'admin')
    const token = await fog.tokenOf(admin, ['admin'])
    const eve = await fog.addPerson('eve')
    await fog.ask('changeUser', { params: { userId: eve.userId }, body: { status: 'disabled' }, token })
    const answers = []
    for (const [name, password] of [
      ['nobody', PASSWORD],
      ['ada', 'not the password'],
      ['eve', PASSWORD],
    ] as const) {
      const response = await fog.ask('logIn', { body: { name, password, keep: 'body' } })
      const { requestId: _, ...problem } = response.json<Problem>()
      answers.push({ status: response.statusCode, problem })
    }
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(answers[0]).toMatchObject({ status: 401, problem: { code: 'access.login_refused' } })
  })

  test('locks after five failures, even for the right password, for longer each time', async () => {
    const fail = () => fog.ask('logIn', { body: { name: 'ada', password: 'wrong', keep: 'body' } })
    const succeed = () => fog.ask('logIn', { body: { name: 'ada', password: PASSWORD, keep: 'body' } })
    for (let i = 0; i < 5; i += 1) await fail()
    expect((await succeed()).statusCode).toBe(401)
    fog.clock.advance(31_000)
    await fail()
    fog.clock.advance(31_000)
    expect((await succeed()).statusCode).toBe(401)
    fog.clock.advance(30_000)
    expect((await succeed()).statusCode).toBe(201)
    const user = await fog.platform.database.read.access.findUser(ada.userId)
    expect(user).toMatchObject({ failedLogins: 0 })
    expect(user?.lockedUntil).toBeUndefined()
  })

  test('many wrong guesses at once cannot outrun the lock', async () => {
    const guesses = Array.from({ length: 9 }, () =>
      fog.ask('logIn', { body: { name: 'ada', password: 'wrong', keep: 'body' } }),
    )
    await Promise.all(guesses)
    expect((await fog.platform.database.read.access.findUser(ada.userId))?.failedLogins).toBe(5)
  })

  test('is slowed down for one name from one address before the password is looked at', async () => {
    const statuses = []
    for (let i = 0; i < 12; i += 1) {
      const body = { name: 'nobody', password: 'x', keep: 'body' } as const
      statuses.push((await fog.ask('logIn', { body, from: '203.0.113.9' })).statusCode)
    }
    expect(statuses.filter((status) => status === 401)).toHaveLength(10)
    expect(statuses.slice(10)).toEqual([429, 429])
  })

  test('is written to the audit log, good or bad, and the password never to any log', async () => {
    await fog.ask('logIn', { body: { name: 'ada', password: 'my secret words', keep: 'body' } })
    await fog.logIn(ada)
    const entries = await fog.platform.database.read.access.listAudit({ limit: 10 })
    expect(entries.map(({ action }) => action)).toEqual(expect.arrayContaining(['user.logged_in', 'user.login_failed']))
    expect(JSON.stringify(entries)).not.toContain('my secret words')
    expect(fog.logged.join('')).not.toContain('my secret words')
    expect(fog.logged.join('')).not.toContain(PASSWORD)
  })
})

describe('refresh', () => {
  test('trades the token for a new pair, again and again', async () => {
    let session = await fog.logIn(ada)
    for (let i = 0; i < 3; i += 1) {
      const response = await fog.ask('refresh', { body: { refreshToken: session.refreshToken! } })
      expect(response.statusCode).toBe(200)
      expect(response.json<SessionTokens>().refreshToken).not.toBe(session.refreshToken)
      session = response.json<SessionTokens>()
    }
    expect((await fog.ask('getMe', { token: session.accessToken })).statusCode).toBe(200)
  })

  test('a token used twice ends the log-in and everything it gave', async () => {
    const first = await fog.logIn(ada)
    const second = (await fog.ask('refresh', { body: { refreshToken: first.refreshToken! } })).json<SessionTokens>()
    const stolen = await fog.ask('refresh', { body: { refreshToken: first.refreshToken! } })
    expect(stolen.statusCode).toBe(401)
    expect(stolen.json<Problem>().code).toBe('access.refresh_reused')
    expect((await fog.ask('refresh', { body: { refreshToken: second.refreshToken! } })).statusCode).toBe(401)
    expect((await fog.ask('getMe', { token: second.accessToken })).statusCode).toBe(401)
    const entries = await fog.platform.database.read.access.listAudit({ limit: 5 })
    expect(entries[0]).toMatchObject({ action: 'session.reuse_detected', actor: ada.userId })
  })

  test('two at once with one token: one wins, and the log-in ends for safety', async () => {
    const { refreshToken } = await fog.logIn(ada)
    const both = await Promise.all([1, 2].map(() => fog.ask('refresh', { body: { refreshToken: refreshToken! } })))
    expect(both.map(({ statusCode }) => statusCode).toSorted((a, b) => a - b)).toEqual([200, 401])
  })

  test('made-up and foreign tokens are refused without ending anything', async () => {
    const session = await fog.logIn(ada)
    const made = session.refreshToken!.replace(/.{10}$/, '0000000000')
    for (const refreshToken of [made, 'x', '', 'fogr_']) {
      const response = await fog.ask('refresh', { body: { refreshToken } })
      expect(response.json<Problem>().code).toBe('access.refresh_refused')
    }
    expect((await fog.ask('refresh', { body: { refreshToken: session.refreshToken! } })).statusCode).toBe(200)
  })

  test('stops thirty days after the log-in', async () => {
    let session = await fog.logIn(ada)
    for (let day = 0; day < 29; day += 1) {
      fog.clock.advance(24 * 60 * MINUTE)
      session = (await fog.ask('refresh', { body: { refreshToken: session.refreshToken! } })).json<SessionTokens>()
    }
    fog.clock.advance(24 * 60 * MINUTE)
    expect((await fog.ask('refresh', { body: { refreshToken: session.refreshToken! } })).statusCode).toBe(401)
  })
})

const logInByBrowser = (headers: Record<string, string> = {}) =>
  fog.ask('logIn', { body: { name: 'ada', password: PASSWORD, keep: 'cookie' }, headers })

describe('the cookie of a browser', () => {
  test('holds the refresh token out of reach of scripts and of other sites', async () => {
    const response = await logInByBrowser()
    expect(response.json<SessionTokens>().refreshToken).toBeUndefined()
    expect(cookieOf(response)).toMatch(
      /^fog_refresh_7070=fogr_\w+; Path=\/v1\/sessions; Max-Age=2592000; HttpOnly; SameSite=Strict$/,
    )
  })

  test('is for TLS only where people come over TLS', async () => {
    const secure = await openTestServer({ config: { publicUrl: 'https://fog.example' } })
    await secure.addPerson('ada')
    const response = await secure.ask('logIn', { body: { name: 'ada', password: PASSWORD, keep: 'cookie' } })
    expect(cookieOf(response)).toContain('; Secure')
    await secure.stop()
  })

  test('refreshes from the console’s own pages and from nobody else’s', async () => {
    const cookie = cookieOf(await logInByBrowser()).split(';')[0]!
    const foreign = await fog.ask('refresh', { body: {}, headers: { cookie, origin: 'http://evil.test' } })
    expect(foreign.json<Problem>().code).toBe('access.origin_refused')
    const otherPort = await fog.ask('refresh', { body: {}, headers: { cookie, origin: 'http://fog.test:9999' } })
    expect(otherPort.statusCode).toBe(403)
    const own = await fog.ask('refresh', { body: {}, headers: { cookie, origin: 'http://fog.test:7070' } })
    expect(own.statusCode).toBe(200)
    expect(cookieOf(own).split(';')[0]).not.toBe(cookie)
    expect(own.json<SessionTokens>().refreshToken).toBeUndefined()
  })

  test('is taken back when it is no longer good, and at log-out', async () => {
    const response = await logInByBrowser()
    const cookie = cookieOf(response).split(';')[0]!
    const out = await fog.ask('logOut', { token: response.json<SessionTokens>().accessToken })
    expect(out.statusCode).toBe(204)
    expect(cookieOf(out)).toContain('fog_refresh_7070=; ')
    const refused = await fog.ask('refresh', { body: {}, headers: { cookie } })
    expect(refused.statusCode).toBe(401)
    expect(cookieOf(refused)).toContain('Max-Age=0')
  })

  test('nothing to refresh with is an ended log-in', async () => {
    const response = await fog.ask('refresh', { body: {} })
    expect(response.json<Problem>().code).toBe('access.refresh_refused')
  })
})

describe('sessions', () => {
  test('are listed, the current one marked, and ended one by one', async () => {
    const [here, there] = [await fog.logIn(ada), await fog.logIn(ada)]
    const list = await fog.ask('listSessions', { token: here.accessToken })
    const { items } = list.json<{ items: { sessionId: string; current: boolean }[] }>()
    expect(items.filter(({ current }) => current)).toHaveLength(1)
    expect(items).toHaveLength(2)
    const other = items.find(({ current }) => !current)!
    const end = { params: { sessionId: other.sessionId }, token: here.accessToken }
    expect((await fog.ask('endSession', end)).statusCode).toBe(204)
    expect((await fog.ask('getMe', { token: there.accessToken })).statusCode).toBe(401)
    expect((await fog.ask('endSession', end)).statusCode).toBe(404)
  })

  test('another person’s session does not exist for you', async () => {
    const eve = await fog.addPerson('eve')
    const [mine, hers] = [await fog.logIn(ada), await fog.logIn(eve)]
    const { items } = (await fog.ask('listSessions', { token: hers.accessToken })).json<{
      items: { sessionId: string }[]
    }>()
    const params = { sessionId: items[0]!.sessionId }
    expect((await fog.ask('endSession', { params, token: mine.accessToken })).statusCode).toBe(404)
    expect((await fog.ask('getMe', { token: hers.accessToken })).statusCode).toBe(200)
  })

  test('a new password ends all log-ins but the one that set it', async () => {
    const [here, there] = [await fog.logIn(ada), await fog.logIn(ada)]
    const body = { current: PASSWORD, next: 'another good password' }
    const wrong = await fog.ask('changePassword', { body: { ...body, current: 'no' }, token: here.accessToken })
    expect(wrong.json<Problem>().code).toBe('access.password_wrong')
    expect((await fog.ask('changePassword', { body, token: here.accessToken })).statusCode).toBe(204)
    expect((await fog.ask('getMe', { token: here.accessToken })).statusCode).toBe(200)
    expect((await fog.ask('getMe', { token: there.accessToken })).statusCode).toBe(401)
    expect((await fog.ask('logIn', { body: { name: 'ada', password: PASSWORD, keep: 'body' } })).statusCode).toBe(401)
    expect((await fog.ask('logIn', { body: { name: 'ada', password: body.next, keep: 'body' } })).statusCode).toBe(201)
  })

  test('keys are not changed with an API token', async () => {
    const token = await fog.tokenOf(ada, ['account:write', 'jobs:read'])
    const body = { current: PASSWORD, next: 'another good password' }
    expect((await fog.ask('changePassword', { body, token })).json<Problem>().code).toBe('access.session_needed')
    expect((await fog.ask('listSessions', { token })).json<Problem>().code).toBe('access.session_needed')
  })
})
