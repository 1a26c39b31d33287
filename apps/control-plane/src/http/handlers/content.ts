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
    findMissingBlobs: async ({ caller, body }) => {
      // Somebody else may have brought it: it still has to be uploaded, which proves that the caller has it.
      const readable = await blobs.readable(caller.accountId, body.digests)
      return { missing: [...new Set(body.digests)].filter((digest) => !readable.has(digest)) }
    },

    putBlob: async ({ caller, params, content }) => {
      const { maxBlobBytes: maxBytes } = platform.config.limits
      const { digest } = params
      await takeContent(platform, content, { digest, maxBytes }, (tx) => tx.blobs.grant(caller.accountId, [digest]))
    },

    getBlob: async ({ caller, params, query }) => {
      const { digest } = params
      const readable = seesAll(caller) || (await blobs.readable(caller.accountId, [digest])).has(digest)
      if (!readable) throw new ContentError({ code: 'blob.not_found', digest })
      return { ...(await getContent(platform, digest)), name: query.name }
    },
  }
}
