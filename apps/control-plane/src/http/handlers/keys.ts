import { parseId } from '@fog/kernel'
import { addJoinToken, revokeJoinToken } from '../../access/join-tokens.ts'
import { addToken, revokeToken } from '../../access/tokens.ts'
import { HttpError } from '../errors.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'
import { joinTokenView, tokenView } from '../views.ts'

export function keyHandlers({
  platform,
}: HandlerDependencies): Pick<
  Handlers,
  'listTokens' | 'addToken' | 'revokeToken' | 'listJoinTokens' | 'addJoinToken' | 'revokeJoinToken'
> {
  const { access } = platform.database.read
  return {
    listTokens: async ({ caller }) => ({ items: (await access.listTokens(caller.userId)).map(tokenView) }),

    addToken: async ({ caller, body }) => {
      const { token, secret } = await addToken(platform, caller, body)
      return { token: tokenView(token), secret }
    },

    revokeToken: async ({ caller, params }) => {
      const revoked = await revokeToken(platform, caller, parseId('token', params.tokenId))
      if (!revoked) throw new HttpError({ code: 'http.not_found', what: 'good token with this id' })
    },

    listJoinTokens: async ({ caller }) => ({ items: (await access.listJoinTokens(caller.userId)).map(joinTokenView) }),

    addJoinToken: async ({ caller, body }) => {
      const { joinToken, secret } = await addJoinToken(platform, caller, body)
      return { joinToken: joinTokenView(joinToken), secret }
    },

    revokeJoinToken: async ({ caller, params }) => {
      const revoked = await revokeJoinToken(platform, caller, parseId('joinToken', params.joinTokenId))
      if (!revoked) throw new HttpError({ code: 'http.not_found', what: 'good join token with this id' })
    },
  }
}
