import { FogError } from '@fog/kernel'

/** What is wrong with a schedule, or with asking for one. */
export class ScheduleError extends FogError<
  | { code: 'schedule.cron_invalid'; cron: string; why: string }
  | { code: 'schedule.timezone_unknown'; timezone: string }
  | { code: 'schedule.never_due'; cron: string }
  | { code: 'schedule.fixed_deadline' }
  | { code: 'schedule.secret' }
  | { code: 'schedule.too_many'; limit: number }
  | { code: 'schedule.not_found'; scheduleId: string }
> {
  static override readonly texts = {
    'schedule.cron_invalid': {
      says: '"{cron}" is no cron pattern: {why}.',
      fix: 'Write minute, hour, day of month, month and day of week, as in "0 3 * * *" for three every night.',
    },
    'schedule.timezone_unknown': {
      says: 'There is no time zone {timezone}.',
      fix: 'Use a name such as Europe/Berlin or UTC.',
    },
    'schedule.never_due': {
      says: 'The cron pattern "{cron}" is never due.',
      fix: 'Check its day and month: there is no 30 February.',
    },
    'schedule.fixed_deadline': {
      says: 'A job that recurs has a deadline at one instant, which all but one of them would miss.',
      fix: 'Use within, as in "within: 2h".',
    },
    'schedule.secret': {
      says: 'A secret job cannot recur: jobs at known times are found by their times.',
      fix: 'Submit it by `fog --mixnet submit` when you want it to run.',
    },
    'schedule.too_many': {
      says: 'You have {limit} schedules, which is the limit.',
      fix: 'Remove one that is no longer needed.',
    },
    'schedule.not_found': {
      says: 'There is no schedule {scheduleId} that you may see.',
      fix: 'Check the id with `fog schedule list`.',
    },
  }
}
