import { FogError } from '@fog/kernel'

/** Why the feed cannot be followed as asked. */
export class FeedError extends FogError<
  { code: 'feed.cursor_invalid' } | { code: 'feed.too_old' } | { code: 'feed.full'; limit: number }
> {
  static override readonly texts = {
    'feed.cursor_invalid': {
      says: 'The cursor is not one this feed gave out.',
      fix: 'Give the cursor of the last event as it came, or none to start from now.',
    },
    'feed.too_old': {
      says: 'Events since that cursor are no longer all kept.',
      fix: 'Follow the feed from now, then load everything anew.',
    },
    'feed.full': {
      says: 'All {limit} places of the event feed are taken.',
      fix: 'Try again later, or ask an admin to raise FOG_MAX_FEED_SUBSCRIBERS.',
    },
  }
}
