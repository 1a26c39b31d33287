import type { JoinTokenView, LedgerAuditView, Problem, TokenView, TransferView, UserView } from '@fog/contract'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openTestServer, PASSWORD, strangeId, type TestPerson, type TestServer } from './testing/test-server.ts'

let fog: TestServer
let ada: TestPerson
let root: TestPerson
let admin: string
beforeEach(async () => {
  fog = await openTestServer()
  ada = await fog.addPerson('ada')
  root = await fog.addPerson('root', 'admin')
  admin = await fog.tokenOf(root, ['admin'])
})
afterEach(() => fog.stop())

function grant(body: { accountId: string; amount: string }) {
  return fog.ask('grant', { body, token: admin })
}

function codeOf(response: { json(): unknown }): string {
  return (response.json() as Problem).code
}

describe('users', () => {
  test('are added with a grant, listed page by page, and log in', async () => {
    const body = { name: 'lin', password: PASSWORD, grant: '12.5' }
    const added = await fog.ask('addUser', { body, token: admin })
    expect(added.statusCode).toBe(201)
    expect(added.json()).toMatchObject({ name: 'lin', role: 'member', status: 'active' })
    expect(codeOf(await fog.ask('addUser', { body, token: admin }))).toBe('access.name_taken')
    const { accessToken } = await fog.logIn({ ...ada, name: 'lin' })
    expect((await fog.ask('getMe', { token: accessToken })).json()).toMatchObject({ available: '12.5', onHold: '0' })

    const names = []
    let after: string | undefined
    do {
      const query = { limit: 1, ...(after !== undefined && { after }) }
      const page = (await fog.ask('listUsers', { query, token: admin })).json<{ items: UserView[]; next?: string }>()
      names.push(...page.items.map(({ name }) => name))
      after = page.next
    } while (after !== undefined)
    expect(names.toSorted()).toEqual(['ada', 'admin', 'lin', 'root'])
  })

  test('who are disabled lose every log-in and token at once, and get them back by logging in again', async () => {
    const { accessToken } = await fog.logIn(ada)
    const token = await fog.tokenOf(ada, ['jobs:read'])
    const params = { userId: ada.userId }
    await fog.ask('changeUser', { params, body: { status: 'disabled' }, token: admin })
    for (const used of [accessToken, token]) expect((await fog.ask('getMe', { token: used })).statusCode).toBe(401)
    await fog.ask('changeUser', { params, body: { status: 'active' }, token: admin })
    expect((await fog.ask('getMe', { token: accessToken })).statusCode).toBe(401)
    expect((await fog.ask('getMe', { token: (await fog.logIn(ada)).accessToken })).statusCode).toBe(200)
  })

  test('who locked themselves out are unlocked by an admin', async () => {
    for (let i = 0; i < 5; i += 1) await fog.ask('logIn', { body: { name: 'ada', password: 'x', keep: 'body' } })
    const params = { userId: ada.userId }
    const users = (await fog.ask('listUsers', { token: admin })).json<{ items: UserView[] }>().items
    expect(users.find(({ name }) => name === 'ada')?.lockedUntil).toBe('2026-01-01T00:00:30.000Z')
    await fog.ask('changeUser', { params, body: { unlock: true }, token: admin })
    expect((await fog.logIn(ada)).accessToken).toBeTruthy()
  })

  test('the last active admin stays one', async () => {
    const first = (await fog.platform.database.read.access.findUserByName('admin'))!
    const demote = { body: { role: 'member' } as const, token: admin }
    expect((await fog.ask('changeUser', { params: { userId: first.userId }, ...demote })).statusCode).toBe(200)
    const last = await fog.ask('changeUser', { params: { userId: root.userId }, ...demote })
    expect([last.statusCode, codeOf(last)]).toEqual([409, 'access.last_admin'])
    expect((await fog.ask('changeUser', { params: { userId: strangeId('user') }, ...demote })).statusCode).toBe(404)
  })

  test('are an admin’s business only', async () => {
    const token = await fog.tokenOf(ada, ['jobs:read', 'account:write'])
    for (const response of [
      await fog.ask('listUsers', { token }),
      await fog.ask('listAudit', { token }),
      await fog.ask('addUser', { body: { name: 'lin', password: PASSWORD }, token }),
      await fog.ask('changeUser', { params: { userId: ada.userId }, body: { role: 'admin' }, token }),
      await fog.ask('grant', { body: { accountId: ada.accountId, amount: '5' }, token }),
    ]) {
      expect([response.statusCode, codeOf(response)]).toEqual([403, 'access.scope_missing'])
    }
  })
})

describe('API tokens', () => {
  test('are made, shown once, used, listed and revoked', async () => {
    const { accessToken: token } = await fog.logIn(ada)
    const made = await fog.ask('addToken', { body: { name: 'ci', scopes: ['jobs:read'], days: 1 }, token })
    const { secret, token: view } = made.json<{ secret: string; token: TokenView }>()
    expect(secret).toMatch(/^fog_[0-9a-z]{52}$/)
    expect((await fog.ask('getMe', { token: secret })).json()).toMatchObject({ name: 'ada', scopes: ['jobs:read'] })
    const list = await fog.ask('listTokens', { token })
    expect(list.body).not.toContain(secret.slice(4))
    expect(list.json()).toMatchObject({
      items: [{ name: 'ci', revoked: false, lastUsedAt: '2026-01-01T00:00:00.000Z' }],
    })
    const params = { tokenId: view.tokenId }
    expect((await fog.ask('revokeToken', { params, token })).statusCode).toBe(204)
    expect(codeOf(await fog.ask('getMe', { token: secret }))).toBe('access.token_invalid')
    expect((await fog.ask('revokeToken', { params, token })).statusCode).toBe(404)
  })

  test('expire', async () => {
    const token = await fog.tokenOf(ada, ['jobs:read'], 1)
    fog.clock.advance(24 * 3_600_000 - 1)
    expect((await fog.ask('getMe', { token })).statusCode).toBe(200)
    fog.clock.advance(1)
    expect(codeOf(await fog.ask('getMe', { token }))).toBe('access.token_expired')
  })

  test('note their use at most once a minute', async () => {
    const token = await fog.tokenOf(ada, ['jobs:read', 'account:write'])
    const lastUsed = async () => (await fog.platform.database.read.access.listTokens(ada.userId))[0]?.lastUsedAt
    const start = fog.clock.now()
    await fog.ask('getMe', { token })
    fog.clock.advance(59_000)
    await fog.ask('getMe', { token })
    expect(await lastUsed()).toBe(start)
    fog.clock.advance(1_000)
    await fog.ask('getMe', { token })
    expect(await lastUsed()).toBe(start + 60_000)
  })

  test('cannot do more than the one who makes them', async () => {
    const { accessToken } = await fog.logIn(ada)
    const wanted = { body: { name: 'x', scopes: ['admin' as const] } }
    expect(codeOf(await fog.ask('addToken', { ...wanted, token: accessToken }))).toBe('access.scope_not_yours')
    const narrow = await fog.tokenOf(ada, ['account:write'])
    const wider = { body: { name: 'x', scopes: ['jobs:write' as const] } }
    expect(codeOf(await fog.ask('addToken', { ...wider, token: narrow }))).toBe('access.scope_not_yours')
  })

  test('of a demoted admin lose what only admins may', async () => {
    const params = { userId: root.userId }
    const other = await fog.tokenOf(await fog.addPerson('boss', 'admin'), ['admin'])
    await fog.ask('changeUser', { params, body: { role: 'member' }, token: other })
    expect(codeOf(await fog.ask('listUsers', { token: admin }))).toBe('access.scope_missing')
  })

  test('of others cannot be revoked, and do not exist', async () => {
    const theirs = await fog.tokenOf(root, ['jobs:read'])
    const { tokenId } = (await fog.platform.database.read.access.listTokens(root.userId)).at(-1)!
    const { accessToken } = await fog.logIn(ada)
    expect((await fog.ask('revokeToken', { params: { tokenId }, token: accessToken })).statusCode).toBe(404)
    expect((await fog.ask('getMe', { token: theirs })).statusCode).toBe(200)
  })
})

describe('join tokens', () => {
  test('are made for a day and one use unless said otherwise, listed and revoked', async () => {
    const token = await fog.tokenOf(ada, ['nodes:write'])
    const made = await fog.ask('addJoinToken', { body: { name: 'attic' }, token })
    const { joinToken } = made.json<{ joinToken: JoinTokenView }>()
    expect(joinToken).toMatchObject({ usesLeft: 1, expiresAt: '2026-01-02T00:00:00.000Z', revoked: false })
    const params = { joinTokenId: joinToken.joinTokenId }
    const strangers = await fog.tokenOf(root, ['nodes:write'])
    expect((await fog.ask('revokeJoinToken', { params, token: strangers })).statusCode).toBe(404)
    expect((await fog.ask('revokeJoinToken', { params, token })).statusCode).toBe(204)
    expect((await fog.ask('listJoinTokens', { token })).json()).toMatchObject({ items: [{ revoked: true }] })
  })
})

describe('money', () => {
  test('is granted once per transfer id, shown to its owner, and audited', async () => {
    const transferId = strangeId('transfer')
    const body = { accountId: ada.accountId, amount: '2.5', reference: 'for the party', transferId }
    const granted = await fog.ask('grant', { body, token: admin })
    expect(granted.statusCode).toBe(201)
    expect((await fog.ask('grant', { body, token: admin })).json()).toEqual(granted.json())
    expect(codeOf(await fog.ask('grant', { body: { ...body, amount: '3' }, token: admin }))).toBe(
      'ledger.transfer_conflict',
    )
    const token = await fog.tokenOf(ada, ['ledger:read', 'jobs:read'])
    const { items } = (await fog.ask('listTransfers', { token })).json<{ items: TransferView[] }>()
    expect(items.map(({ amount, reference }) => [amount, reference])).toEqual([
      ['2.5', 'for the party'],
      ['100', 'first grant'],
    ])
    expect((await fog.ask('getMe', { token })).json()).toMatchObject({ available: '102.5' })
    const audit = (await fog.ask('auditLedger', { token })).json<LedgerAuditView>()
    expect(audit).toMatchObject({ sound: true, findings: [], total: '0' })
    const log = (await fog.ask('listAudit', { token: admin })).json<{ items: { action: string }[] }>()
    expect(log.items.filter(({ action }) => action === 'ledger.granted')).toHaveLength(1)
  })

  test('is not granted in amounts or to accounts that make no sense', async () => {
    const { accountId } = ada
    expect((await grant({ accountId, amount: '0' })).statusCode).toBe(422)
    expect((await grant({ accountId, amount: '-1' })).statusCode).toBe(400)
    expect((await grant({ accountId, amount: '1.0000001' })).statusCode).toBe(400)
    expect((await grant({ accountId: strangeId('account'), amount: '1' })).statusCode).toBe(404)
    expect((await grant({ accountId: 'acct_00000000000000000000escrow', amount: '1' })).statusCode).toBe(422)
  })
})

test('the audit log is read newest first, page by page', async () => {
  await fog.logIn(ada)
  await fog.logIn(ada)
  const first = await fog.ask('listAudit', { query: { limit: 2 }, token: admin })
  const page = first.json<{ items: { sequence: number; action: string }[]; next: string }>()
  expect(page.items.map(({ action }) => action)).toEqual(['user.logged_in', 'user.logged_in'])
  const second = await fog.ask('listAudit', { query: { limit: 1, after: page.next }, token: admin })
  expect(second.json<{ items: { sequence: number }[] }>().items[0]!.sequence).toBe(page.items[1]!.sequence - 1)
  expect(codeOf(await fog.ask('listAudit', { query: { after: 'x' }, token: admin }))).toBe('request.invalid')
})
