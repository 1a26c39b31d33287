import { Cron } from 'croner'

export type NextTimes =
  | { readonly ok: true; readonly times: readonly number[] }
  | { readonly ok: false; readonly field: 'cron' | 'timezone'; readonly why: string }

/**
 * The next instants after `from` at which a cron pattern is due in a time zone, by the same reader and rules as the control plane:
 * epoch milliseconds, the soonest first. Fewer, or none, where it is never due again.
 */
export function nextTimes(
  { cron, timezone }: { readonly cron: string; readonly timezone: string },
  from: number,
  count: number,
): NextTimes {
  if (!isTimezone(timezone))
    return { ok: false, field: 'timezone', why: 'No time zone has this name. Try Europe/Berlin or UTC.' }
  try {
    // A question mark stands for the moment of reading, which the control plane refuses.
    if (cron.includes('?')) throw new Error('a question mark')
    const pattern = new Cron(cron, { timezone, paused: true, mode: '5-part' })
    return { ok: true, times: pattern.nextRuns(count, new Date(from)).map((at) => at.getTime()) }
  } catch {
    return {
      ok: false,
      field: 'cron',
      why: 'Five parts: minute, hour, day of month, month, day of week, such as 0 3 * * * for three every night.',
    }
  }
}

function isTimezone(timezone: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: timezone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

/** An instant on the clock of a time zone: `Mon 23 Nov 2026, 03:00 CET`. */
export function formatIn(timezone: string, at: number): string {
  return new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  }).format(at)
}
