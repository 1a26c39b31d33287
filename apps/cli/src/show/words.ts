/** Numbers, sizes and times as people read them. Pure: the present is handed in. */

const KIB = 1024

/** `640 B`, `1.5 KiB`, `12 GiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  const level = bytes < KIB ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10))
  return `${shortNumber(bytes / KIB ** level)} ${units[level]}`
}

/** At most one decimal, and none where it would be a zero. */
export function shortNumber(value: number): string {
  return (Math.round(value * 10) / 10).toString()
}

/** A decimal text with its thousands apart: `1 234 567` would break a column, so commas. */
export function grouped(value: string | number | bigint): string {
  const [whole = '', ...decimals] = String(value).split('.')
  return [whole.replace(/\B(?=(\d{3})+(?!\d))/g, ','), ...decimals].join('.')
}

/** `0.4 s`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function durationText(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${shortNumber(seconds)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  if (whole < 3600) return twoUnits(whole, [60, 'min'], [1, 's'])
  if (whole < 86_400) return twoUnits(whole, [3600, 'h'], [60, 'min'])
  return twoUnits(whole, [86_400, 'd'], [3600, 'h'])
}

function twoUnits(seconds: number, large: readonly [number, string], small: readonly [number, string]): string {
  const first = Math.floor(seconds / large[0])
  const second = Math.floor((seconds % large[0]) / small[0])
  return second === 0 ? `${first} ${large[1]}` : `${first} ${large[1]} ${second} ${small[1]}`
}

/** `0:04`, `12:30`, `1:02:03`: what a running clock shows. */
export function clockText(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000)
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  return h > 0 ? `${h}:${twoDigits(m)}:${twoDigits(s)}` : `${m}:${twoDigits(s)}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

/** How long ago an RFC 3339 instant was: `now`, `5 s ago`, `2 h ago`. */
export function agoText(at: string, now: number): string {
  const ms = now - Date.parse(at)
  if (ms < 1000) return ms < -1000 ? `in ${oneUnit(-ms)}` : 'now'
  return `${oneUnit(ms)} ago`
}

function oneUnit(ms: number): string {
  const seconds = ms / 1000
  const [size, unit] = (
    [
      [86_400, 'd'],
      [3600, 'h'],
      [60, 'min'],
    ] as const
  ).find(([size]) => seconds >= size) ?? [1, 's']
  return `${Math.floor(seconds / size)} ${unit}`
}

/** `1 task`, `2 tasks`. */
export function count(value: number, noun: string): string {
  return `${grouped(value)} ${noun}${value === 1 ? '' : 's'}`
}

/** Enough of an id to name it again: its time to the millisecond, and some chance. */
const SHORT_BODY = 12

export function shortId(id: string): string {
  const [prefix = '', body = ''] = id.split('_')
  return `${prefix}_${body.slice(0, SHORT_BODY)}`
}

/** What a stranger wrote, without what a terminal would obey. */
export function plainText(text: string): string {
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd')
}
