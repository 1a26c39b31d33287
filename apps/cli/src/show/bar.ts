import { clockText, shortNumber } from './words.ts'
import type { Colours } from './colours.ts'

export interface Progress {
  readonly label: string
  readonly total: number
  readonly done: number
  readonly failed: number
  readonly running: number
  readonly elapsedMs: number
}

const WIDEST_BAR = 32

/** One line that says how far something is, at most `columns` wide. */
export function barText(progress: Progress, columns: number, colours: Colours): string {
  const { label, total, done, failed, running, elapsedMs } = progress
  const over = done + failed
  const words = [
    `${over}/${total}`,
    ...(running > 0 ? [`${running} running`] : []),
    ...(failed > 0 ? [colours.red(`${failed} failed`)] : []),
    ...(rateText(progress) ?? []),
    clockText(elapsedMs),
  ].join('  ')
  const room = columns - label.length - visibleLength(words) - 5
  if (room < 6) return `${label}  ${words}`
  const width = Math.min(WIDEST_BAR, room)
  const full = total === 0 ? 0 : Math.round((over / total) * width)
  return `${label}  ${colours.green('█'.repeat(full))}${colours.dim('░'.repeat(width - full))}  ${words}`
}

/** The same as a sentence, for logs. */
export function progressLine({ label, total, done, failed, running, elapsedMs }: Progress): string {
  const more = [...(running > 0 ? [`${running} running`] : []), ...(failed > 0 ? [`${failed} failed`] : [])]
  return [`${label}: ${done} of ${total} done`, ...more, clockText(elapsedMs)].join(', ')
}

function rateText({ done, failed, elapsedMs }: Progress): string[] | undefined {
  if (elapsedMs < 1000 || done + failed === 0) return undefined
  return [`${shortNumber((done + failed) / (elapsedMs / 1000))}/s`]
}

/** Without what only paints. */
export function visibleLength(text: string): number {
  // eslint-disable-next-line no-control-regex -- the escape sequences themselves are what is looked for
  return text.replaceAll(/\u001b\[\d+m/g, '').length
}
