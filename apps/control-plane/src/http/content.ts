import type { OpenedContent } from '../blobs/open-content.ts'
import { openContent } from '../blobs/open-content.ts'
import { ContentError } from '../flows/content.ts'
import type { Platform } from '../platform.ts'

/** Content on its way out. Throws `blob.not_found`. */
export async function getContent(platform: Platform, digest: string): Promise<OpenedContent> {
  const found = await openContent(platform, digest)
  if (!found) throw new ContentError({ code: 'blob.not_found', digest })
  return found
}
