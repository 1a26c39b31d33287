import { refresh, endSession, isLiveSession, type IssuedSession, logIn } from '../../access/sessions.ts'
import { AccessError } from '../../access/errors.ts'
import { isSetupNeeded, setUp } from '../../access/setup.ts'
import { parseId } from '@fog/kernel'
import type { SessionTokens } from '@fog/contract'
import { HttpError } from '../errors.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { addressKey } from '../rate-limit.ts'
import type { RefreshCookie } from '../refresh-cookie.ts'
import { sessionTokens, sessionView } from '../views.ts'

/** Guesses a minute at one name from one address; the lock on the user stands behind it. */
const LOGINS_PER_MINUTE = 10

export function sessionHandlers({
  platform,
  access,
  limiter,
}: HandlerDependencies): Pick<
  Handlers,
  'setup' | 'getSetup' | 'logIn' | 'refresh' | 'logOut' | 'listSessions' | 'endSession'
> {
  return {
    setup: async ({ body, address, userAgent, cookie }) => {
      const { code, name, password, keep } = body
      return give(await setUp(platform, access, { code, name, password, address, userAgent }), keep, cookie)
    },

    getSetup: async () => ({ needed: await isSetupNeeded(platform) }),

    logIn: async ({ body, address, userAgent, cookie }) => {
      const { name, password, keep } = body
      limiter.take(`login ${name.toLowerCase()} ${addressKey(address)}`, LOGINS_PER_MINUTE)
      return give(await logIn(platform, access, { name, password, address, userAgent }), keep, cookie)
    },

    refresh: async ({ body, address, cookie }) => {
      const keep = body.refreshToken === undefined ? 'cookie' : 'body'
      const refreshToken = body.refreshToken ?? cookie.read()
      if (refreshToken === undefined) throw new AccessError({ code: 'access.refresh_refused' })
      try {
        return give(await refresh(platform, access, { refreshToken, address }), keep, cookie)
      } catch (fault) {
        // A browser that kept it would only come with it again.
        if (keep === 'cookie' && fault instanceof AccessError) cookie.forget()
        throw fault
      }
    },

    logOut: async ({ caller, cookie }) => {
      if (caller.sessionId) await endSession(platform, caller, caller.sessionId)
      cookie.forget()
    },

    listSessions: async ({ caller }) => {
      const sessions = await platform.database.read.access.listSessions(caller.userId)
      const live = sessions.filter((session) => isLiveSession(session, platform.clock.now()))
      return { items: live.map((session) => sessionView(session, caller.sessionId)) }
    },

    endSession: async ({ caller, params }) => {
      const ended = await endSession(platform, caller, parseId('session', params.sessionId))
      if (!ended) throw new HttpError({ code: 'http.not_found', what: 'log-in with this id' })
    },
  }
}

function give(session: IssuedSession, keep: 'cookie' | 'body', cookie: RefreshCookie): SessionTokens {
  if (keep === 'cookie') cookie.keep(session.refreshToken, session.endsAt)
  return sessionTokens(session, keep)
}
