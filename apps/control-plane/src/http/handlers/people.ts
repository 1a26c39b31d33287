import { parseId, parseTokens } from '@fog/kernel'
import { addUser, changePassword, changeUser } from '../../access/users.ts'
import { onHoldOf } from '../account.ts'
import { HttpError } from '../errors.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { numberCursor, pageOf } from '../paging.ts'
import { auditEntryView, userView } from '../views.ts'

export function peopleHandlers({
  platform,
  access,
}: HandlerDependencies): Pick<
  Handlers,
  'getMe' | 'changePassword' | 'listUsers' | 'addUser' | 'changeUser' | 'listAudit'
> {
  const { database, clock } = platform
  return {
    getMe: async ({ caller }) => {
      const { userId, name, role, accountId, scopes } = caller
      return { userId, name, role, accountId, scopes: [...scopes], ...(await onHoldOf(platform, accountId)) }
    },

    changePassword: async ({ caller, body }) => changePassword(platform, access, caller, body),

    listUsers: async ({ query }) => {
      const after = query.after === undefined ? undefined : parseId('user', query.after)
      return pageOf(
        query,
        (limit) => database.read.access.listUsers({ after, limit }),
        (user) => user.userId,
        (users) => users.map((user) => userView(user, clock.now())),
      )
    },

    addUser: async ({ caller, body }) => {
      const { name, password, role = 'member' } = body
      const grant = body.grant === undefined ? undefined : parseTokens(body.grant)
      return userView(await addUser(platform, access, caller, { name, password, role, grant }), clock.now())
    },

    changeUser: async ({ caller, params, body }) => {
      const user = await changeUser(platform, access, caller, parseId('user', params.userId), body)
      if (!user) throw new HttpError({ code: 'http.not_found', what: 'user with this id' })
      return userView(user, clock.now())
    },

    listAudit: async ({ query }) => {
      const before = numberCursor(query.after)
      return pageOf(
        query,
        (limit) => database.read.access.listAudit({ before, limit }),
        (entry) => String(entry.sequence),
        (entries) => entries.map(auditEntryView),
      )
    },
  }
}
