import { Cron } from 'croner'
import type { Instant } from '@fog/kernel'
import { ScheduleError } from './schedule-error.ts'

/** When a cron pattern is due in a time zone. Asked, never running: it keeps no clock. */
export class CronTimes {
  readonly #cron: Cron

  /** Throws `schedule.cron_invalid` or `schedule.timezone_unknown`. */
  constructor({ cron, timezone }: { readonly cron: string; readonly timezone: string }) {
    if (!isTimezone(timezone)) throw new ScheduleError({ code: 'schedule.timezone_unknown', timezone })
    // A question mark stands for the moment of parsing, which would not be the same after a restart.
    if (cron.includes('?')) throw invalid(cron, 'it has a question mark')
    try {
      this.#cron = new Cron(cron, { timezone, paused: true, mode: '5-part' })
    } catch (fault) {
      throw invalid(cron, whyOf(fault))
    }
  }

  /**
   * The first instant after this one that is due; undefined when there is none. Where clocks go forward, a time that is left
   * out is due right after the gap; where they go back, a fixed time is due once.
   */
  after(at: Instant): Instant | undefined {
    return this.#cron.nextRun(new Date(at))?.getTime()
  }

  /** The last instant up to this one that was due, not before `from`. */
  last(from: Instant, upTo: Instant): Instant | undefined {
    const [found] = this.#cron.previousRuns(1, new Date(upTo + 1))
    return found && found.getTime() >= from ? found.getTime() : undefined
  }
}

function isTimezone(timezone: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

function invalid(cron: string, why: string): ScheduleError {
  return new ScheduleError({ code: 'schedule.cron_invalid', cron, why })
}

function whyOf(fault: unknown): string {
  const text = fault instanceof Error ? fault.message : String(fault)
  return text
    .replace(/^CronPattern: /, '')
    .replace(/[.\s]+$/, '')
    .replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())
}
