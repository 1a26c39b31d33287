/** How figures, times and ids are written everywhere in the console. Pure; what is not known is written as "unknown". */

export const UNKNOWN = 'unknown'

const whole = new Intl.NumberFormat('en')
const upToTwo = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })

/** `12,345`. */
export function formatCount(count: number): string {
  return whole.format(count)
}

/** At most two decimals: `1.5`, `0.25`, `12,000`. */
export function formatNumber(value: number): string {
  return upToTwo.format(value)
}

/** `1 task`, `1,204 tasks`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`
}

/** Powers of 1024, three digits at most: `0 B`, `12.4 KiB`, `1 GiB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  const [value, unit] = scaled(bytes, 1024, units)
  return `${threeDigits(value)} ${unit}`
}

/** Metered instructions, in powers of 1000: `3.21 G`. */
export function formatFuel(fuel: string): string {
  const [value, unit] = scaled(Number(fuel), 1000, ['', 'k', 'M', 'G', 'T', 'P', 'E'])
  return unit === '' ? threeDigits(value) : `${threeDigits(value)} ${unit}`
}

function scaled(value: number, base: number, units: readonly string[]): [number, string] {
  let rest = value
  let step = 0
  while (Math.abs(rest) >= base && step < units.length - 1) {
    rest /= base
    step += 1
  }
  return [rest, units[step] ?? '']
}

function threeDigits(value: number): string {
  if (value === 0 || Number.isInteger(value)) return whole.format(value)
  if (Math.abs(value) >= 100) return value.toFixed(0)
  return String(Number(value.toPrecision(3)))
}

/** A length of time, two units at most: `12 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  const seconds = ms / 1000
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`
  const steps = [
    { size: 86_400, unit: 'd', next: 3600, nextUnit: 'h' },
    { size: 3600, unit: 'h', next: 60, nextUnit: 'min' },
    { size: 60, unit: 'min', next: 1, nextUnit: 's' },
  ]
  const step = steps.find(({ size }) => seconds >= size) ?? steps[2]!
  const rest = Math.floor((seconds % step.size) / step.next)
  const first = `${formatCount(Math.floor(seconds / step.size))} ${step.unit}`
  return rest === 0 ? first : `${first} ${rest} ${step.nextUnit}`
}

/** How long ago, or in how long, in one unit: `just now`, `12 s ago`, `in 3 h`; a date beyond 30 days. */
export function formatRelative(at: number, now: number): string {
  const apart = Math.abs(now - at)
  if (apart < 5000) return 'just now'
  if (apart > 30 * 86_400_000) return formatDay(at)
  const text = oneUnit(apart / 1000)
  return at <= now ? `${text} ago` : `in ${text}`
}

function oneUnit(seconds: number): string {
  if (seconds < 60) return `${Math.floor(seconds)} s`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`
  return `${Math.floor(seconds / 86_400)} d`
}

const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' })
const exact = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'long' })
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })

export function formatDay(at: number): string {
  return day.format(at)
}

/** Date, time and zone, for hovers. */
export function formatExact(at: number): string {
  return exact.format(at)
}

/** Hours, minutes and seconds of today. */
export function formatClock(at: number): string {
  return clock.format(at)
}

/** Tokens as the API writes them, with thousands marked: `12,000.25`. Nothing is rounded. */
export function formatTokens(tokens: string): string {
  const [integer = '0', fraction] = tokens.split('.')
  const negative = integer.startsWith('-')
  const grouped = whole.format(BigInt(negative ? integer.slice(1) : integer))
  return `${negative ? '−' : ''}${grouped}${fraction ? `.${fraction}` : ''}`
}

/** Tokens with a sign in front, for what came and went: `+50`, `−0.25`. */
export function formatChange(tokens: string): string {
  return tokens.startsWith('-') || isZero(tokens) ? formatTokens(tokens) : `+${formatTokens(tokens)}`
}

export function isZero(tokens: string): boolean {
  return /^-?0+(\.0+)?$/.test(tokens)
}

/** An id short enough for a table: its kind and its last characters, which differ the most. */
export function shortId(id: string): string {
  const at = id.indexOf('_')
  if (at < 0) return id.length > 12 ? `${id.slice(0, 6)}…${id.slice(-4)}` : id
  return `${id.slice(0, at)}_…${id.slice(-6)}`
}

/** A share of a whole in percent, 0 when the whole is nothing. */
export function percentOf(part: number, all: number): number {
  return all > 0 ? Math.min(100, Math.max(0, (100 * part) / all)) : 0
}

/** `node.state_changed` -> `Node state changed`: a fallback for words this console does not know yet. */
export function sentenceOf(code: string): string {
  const words = code.replace(/[._-]+/g, ' ').trim()
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** A round trip in milliseconds; a clock of whole milliseconds cannot tell what is below one. */
export function formatLatency(ms: number | undefined): string {
  if (ms === undefined) return UNKNOWN
  return ms < 1 ? '< 1 ms' : `${formatNumber(ms)} ms`
}
