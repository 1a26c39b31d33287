/** A line of values onto a line of places, with round marks along it. */
export interface Scale {
  readonly place: (value: number) => number
  readonly marks: readonly number[]
}

const MARKS = 4

/** `values` onto `from` to `to`, with a little room at both ends; a single value lies in the middle. */
export function scaleOf(values: readonly number[], from: number, to: number): Scale {
  const [least, most] = [Math.min(...values), Math.max(...values)]
  const room = (most - least) * 0.08 || Math.abs(least) * 0.1 || 1
  const [low, high] = [least - room, most + room]
  return {
    place: (value) => from + ((value - low) / (high - low)) * (to - from),
    marks: roundMarks(low, high),
  }
}

/** About four multiples of 1, 2 or 5 times a power of ten. */
function roundMarks(low: number, high: number): number[] {
  const rough = (high - low) / MARKS
  const power = 10 ** Math.floor(Math.log10(rough))
  const step = [1, 2, 5, 10].map((by) => by * power).find((each) => each >= rough) ?? 10 * power
  const first = Math.ceil(low / step)
  return Array.from({ length: Math.floor(high / step) - first + 1 }, (_, i) => (first + i) * step)
}
