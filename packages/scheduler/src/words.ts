/** Numbers as people read them, for the sentences of this package. */

const BYTE_UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']

/** `1.5 GiB`, `128 MiB`, `12 bytes`. */
export function bytesText(bytes: number): string {
  const power = Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10))
  return `${numberText(bytes / 1024 ** power)} ${BYTE_UNITS[power]}`
}

/** `1 core`, `0.25 cores`. */
export function coresText(cpuMilli: number): string {
  return countText(numberText(cpuMilli / 1000), 'core')
}

/** `4 s`, `12 min`, `3 h`; never rounded down to nothing. */
export function durationText(ms: number): string {
  if (ms < 60_000) return `${Math.max(1, Math.ceil(ms / 1000))} s`
  if (ms < 3_600_000) return `${Math.round(ms / 60_000)} min`
  return `${numberText(ms / 3_600_000)} h`
}

/** `1 node`, `3 nodes`. */
export function countText(count: number | string, noun: string): string {
  return `${count} ${noun}${String(count) === '1' ? '' : 's'}`
}

/** `a`, `a and b`, `a, b and c`. */
export function listText(items: readonly string[], word: 'and' | 'or'): string {
  if (items.length < 2) return items.join('')
  return `${items.slice(0, -1).join(', ')} ${word} ${items.at(-1)}`
}

function numberText(value: number): string {
  return String(Number(value.toPrecision(3)))
}
