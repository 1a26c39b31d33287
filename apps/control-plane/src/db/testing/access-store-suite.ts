import { isFogError } from '@fog/kernel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AccessStore, AuditEntry, Database, User } from '../../ports.ts'
import { MadeUp, START } from './made-up.ts'
import type { OpenDatabase } from './open-database.ts'

export function describeAccessStore(open: OpenDatabase): void {
  describe('as an access store', () => {
    let database: Database
    let close: () => Promise<void>
    let some: MadeUp
    const inside = <T>(work: (store: AccessStore) => Promise<T>) => database.transact((tx) => work(tx.access))

    beforeEach(async () => {
      some = new MadeUp()
      ;({ database, close } = await open())
    })
    afterEach(() => close())

    async function added(part: Partial<User> = {}): Promise<User> {
      const user = some.user(part)
      await inside((store) => store.addUser(user))
      return user
    }

    test('a user is found by id, name and account, as last saved', async () => {
      const user = await added()
      const changed: User = { ...user, role: 'admin', status: 'disabled', failedLogins: 4, lockedUntil: START + 9 }
      await inside((store) => store.saveUser(changed))
      expect(await inside((store) => store.findUser(user.userId))).toEqual(changed)
      expect(await inside((store) => store.findUserForUpdate(user.userId))).toEqual(changed)
      expect(await inside((store) => store.findUserByName(user.name))).toEqual(changed)
      expect(await inside((store) => store.findUserByAccount(user.accountId))).toEqual(changed)
      await inside((store) => store.saveUser(user))
      expect((await inside((store) => store.findUser(user.userId)))?.lockedUntil).toBeUndefined()
    })

    test('a user nobody added is not found', async () => {
      expect(await inside((store) => store.findUser(some.id('user')))).toBeUndefined()
      expect(await inside((store) => store.findUserByName('a\0b'))).toBeUndefined()
      expect(await inside((store) => store.findUserByAccount(some.id('account')))).toBeUndefined()
    })

    test('a name belongs to one user, also when two ask at once', async () => {
      const users = [some.user({ name: 'ann' }), some.user({ name: 'ann' })]
      const codes = await Promise.all(users.map((user) => codeOf(inside((store) => store.addUser(user)))))
      expect(new Set(codes)).toEqual(new Set(['access.name_taken', undefined]))
      expect(await inside((store) => store.countUsers())).toBe(1)
    })

    test('users are listed a page at a time, oldest first', async () => {
      const users = [await added(), await added(), await added()]
      const first = await inside((store) => store.listUsers({ limit: 2 }))
      const second = await inside((store) => store.listUsers({ after: first[1]!.userId, limit: 2 }))
      expect([...first, ...second]).toEqual(users)
    })

    test('a user taken for change is changed by one transaction after the other', async () => {
      const { userId } = await added()
      const fail = () =>
        inside(async (store) => {
          const user = await store.findUserForUpdate(userId)
          await store.saveUser({ ...user!, failedLogins: user!.failedLogins + 1 })
        })
      await Promise.all(Array.from({ length: 10 }, fail))
      expect((await inside((store) => store.findUser(userId)))?.failedLogins).toBe(10)
    })

    test('a session is kept with every hash it used', async () => {
      const { userId } = await added()
      const session = some.session(userId)
      await inside((store) => store.addSession(session))
      expect(await inside((store) => store.findSession(session.sessionId))).toEqual(session)
      const rotated = { ...session, refreshHash: some.hash(), usedHashes: [session.refreshHash, some.hash()] }
      await inside((store) => store.saveSession(rotated))
      expect(await inside((store) => store.findSessionForUpdate(session.sessionId))).toEqual(rotated)
      expect(await inside((store) => store.findSession(some.id('session')))).toBeUndefined()
    })

    test('ending the sessions of a user ends those that live, and no one else', async () => {
      const [ann, bob] = [await added(), await added()]
      const live = [some.session(ann.userId), some.session(ann.userId)]
      const expired = some.session(ann.userId, { expiresAt: START + 5 })
      const ended = some.session(ann.userId, { endedAt: START + 1 })
      const other = some.session(bob.userId)
      for (const each of [...live, expired, ended, other]) await inside((store) => store.addSession(each))
      expect(await inside((store) => store.endSessions(ann.userId, START + 10))).toBe(2)
      expect(await inside((store) => store.endSessions(ann.userId, START + 11))).toBe(0)
      expect(await inside((store) => store.listSessions(ann.userId))).toEqual([
        ...live.map((session) => ({ ...session, endedAt: START + 10 })),
        expired,
        ended,
      ])
      expect(await inside((store) => store.listSessions(bob.userId))).toEqual([other])
    })

    test('an API token is found by id and by hash, and listed for its owner', async () => {
      const [ann, bob] = [await added(), await added()]
      const [one, two] = [some.token(ann.userId), some.token(ann.userId, { expiresAt: START + 9, scopes: ['admin'] })]
      for (const each of [one, two, some.token(bob.userId)]) await inside((store) => store.addToken(each))
      const used = { ...one, lastUsedAt: START + 3, revokedAt: START + 4 }
      await inside((store) => store.saveToken(used))
      expect(await inside((store) => store.findToken(one.tokenId))).toEqual(used)
      expect(await inside((store) => store.findTokenByHash(two.hash))).toEqual(two)
      expect(await inside((store) => store.findTokenByHash(some.hash()))).toBeUndefined()
      expect(await inside((store) => store.listTokens(ann.userId))).toEqual([used, two])
    })

    test('a join token is used up one by one', async () => {
      const ann = await added()
      const token = some.joinToken(ann, { usesLeft: 3 })
      await inside((store) => store.addJoinToken(token))
      const use = () =>
        inside(async (store) => {
          const found = await store.findJoinTokenByHashForUpdate(token.hash)
          if (!found || found.usesLeft === 0) return false
          await store.saveJoinToken({ ...found, usesLeft: found.usesLeft - 1 })
          return true
        })
      const used = await Promise.all(Array.from({ length: 6 }, use))
      expect(used.filter(Boolean)).toHaveLength(3)
      expect(await inside((store) => store.findJoinToken(token.joinTokenId))).toEqual({ ...token, usesLeft: 0 })
      expect(await inside((store) => store.listJoinTokens(ann.userId))).toEqual([{ ...token, usesLeft: 0 }])
      expect(await inside((store) => store.findJoinTokenByHashForUpdate(some.hash()))).toBeUndefined()
    })

    test('the audit log is read newest first, a page at a time', async () => {
      const entries: AuditEntry[] = ['user.logged_in', 'token.made', 'user.locked'].map((action, i) => ({
        at: START + i,
        actor: 'system',
        action,
        subject: 'ann',
        address: '192.0.2.1',
        facts: { tries: i, by: 'größe' },
      }))
      for (const entry of entries) await inside((store) => store.audit(entry))
      const [newest, second] = await inside((store) => store.listAudit({ limit: 2 }))
      const [last, none] = await inside((store) => store.listAudit({ before: second!.sequence, limit: 2 }))
      expect([last, second, newest]).toMatchObject(entries)
      expect(none).toBeUndefined()
    })

    test('a fact is kept once and never overwritten', async () => {
      expect(await inside((store) => store.kept('signing-key'))).toBeUndefined()
      const kept = await Promise.all(
        ['a', 'b', 'c'].map((value) => inside((store) => store.keep('signing-key', value))),
      )
      expect(new Set(kept).size).toBe(1)
      expect(await inside((store) => store.keep('signing-key', 'later'))).toBe(kept[0])
      expect(await inside((store) => store.kept('signing-key'))).toBe(kept[0])
    })
  })
}

async function codeOf(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => undefined,
    (fault: unknown) => (isFogError(fault) ? fault.code : String(fault)),
  )
}
