import type { Reach } from '@fog/fog'
import { seesAll } from '../../access/caller.ts'
import { takeContent } from '../../blobs/take-content.ts'
import { ContentError } from '../../flows/content.ts'
import { getContent } from '../content.ts'
import type { HandlerDependencies, Handlers } from '../handler.ts'

export function contentHandlers({
  platform,
}: HandlerDependencies): Pick<Handlers, 'findMissingBlobs' | 'putBlob' | 'getBlob'> {
  const { blobs } = platform.database.read
  return {
    findMissingBlobs: async ({ caller, body, reach }) => {
      // Somebody else may have brought it: it still has to be uploaded, which proves that the caller has it.
      // What came the other way has to come this way too before it may be spoken of here.
      const readable = await blobs.came(caller.accountId, body.digests, reach)
      return { missing: [...new Set(body.digests)].filter((digest) => !readable.has(digest)) }
    },

    putBlob: async ({ caller: { accountId }, params, content, reach }) => {
      const { maxBlobBytes: maxBytes } = platform.config.limits
      const { digest } = params
      await takeContent(platform, content, { digest, maxBytes }, (tx) => tx.blobs.grant([{ accountId, digest, reach }]))
    },

    getBlob: async ({ caller, params, query, reach }) => {
      const { digest } = params
      // An admin reads what anybody brought.
      const whose = seesAll(caller) ? undefined : caller.accountId
      const came = async (way: Reach) => (await blobs.came(whose, [digest], way)).has(digest)
      if (reach === 'direct' && !(await came('direct')) && (await came('mixnet'))) {
        throw new ContentError({ code: 'blob.needs_mixnet', digest })
      }
      const readable = seesAll(caller) || (await blobs.readable(caller.accountId, [digest])).has(digest)
      if (!readable) throw new ContentError({ code: 'blob.not_found', digest })
      return { ...(await getContent(platform, digest)), name: query.name }
    },
  }
}
