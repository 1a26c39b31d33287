/** Paints texts; each is the identity where colours are not wanted. */
export interface Colours {
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly red: (text: string) => string
  readonly green: (text: string) => string
  readonly yellow: (text: string) => string
  readonly blue: (text: string) => string
}

/** ECMA-48 (SGR): on, off. */
const CODES = { bold: [1, 22], dim: [2, 22], red: [31, 39], green: [32, 39], yellow: [33, 39], blue: [34, 39] } as const

export function coloursOf({
  setting,
  isTerminal,
}: {
  readonly setting: 'auto' | 'never' | 'always'
  readonly isTerminal: boolean
}): Colours {
  const isOn = setting === 'always' || (setting === 'auto' && isTerminal)
  const paint =
    ([on, off]: readonly [number, number]) =>
    (text: string) =>
      isOn ? `\u001b[${on}m${text}\u001b[${off}m` : text
  return {
    bold: paint(CODES.bold),
    dim: paint(CODES.dim),
    red: paint(CODES.red),
    green: paint(CODES.green),
    yellow: paint(CODES.yellow),
    blue: paint(CODES.blue),
  }
}

/** The colour of a state, of jobs, tasks and nodes alike. */
export function paintState(state: string, colours: Colours): string {
  if (['succeeded', 'done', 'online'].includes(state)) return colours.green(state)
  if (['failed', 'lost', 'unreachable', 'quarantined'].includes(state)) return colours.red(state)
  if (['running', 'throttled', 'suspended', 'suspect', 'draining'].includes(state)) return colours.yellow(state)
  return colours.dim(state)
}
