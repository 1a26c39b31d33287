import type { Instant } from '@fog/kernel'
import type { EventCursor } from '../ports.ts'
import { FeedError } from './feed-error.ts'

/** The log's cursor with the time of the event, which tells whether everything since is still kept. */
const FORM = /^([A-Za-z0-9_.:-]{1,60})~(\d{1,15})$/

/** A cursor as readers get it. */
export function writeFeedCursor(cursor: EventCursor, at: Instant): string {
  return `${cursor}~${at}`
}

/** Throws `feed.cursor_invalid`. */
export function parseFeedCursor(text: string): { cursor: EventCursor; at: Instant } {
  const match = FORM.exec(text)
  if (!match) throw new FeedError({ code: 'feed.cursor_invalid' })
  return { cursor: match[1]!, at: Number(match[2]) }
}
