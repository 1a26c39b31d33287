import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReplayWindow, WINDOW } from './replay-window.ts'

test('a number is new once, in whatever order numbers come, unless it comes too late', () => {
  const steps = fc.array(fc.oneof(fc.integer({ min: -40, max: 40 }), fc.integer({ min: -3000, max: 3000 })), {
    maxLength: 400,
  })
  fc.assert(
    fc.property(steps, (jumps) => {
      const window = new ReplayWindow()
      const seen = new Set<number>()
      let [at, highest] = [0, -1]
      for (const jump of jumps) {
        at = Math.max(0, at + jump)
        const isLate = highest - at >= WINDOW
        expect(window.isNew(at)).toBe(!isLate && !seen.has(at))
        if (!window.isNew(at)) continue
        window.note(at)
        seen.add(at)
        highest = Math.max(highest, at)
      }
    }),
  )
})

test('the highest number that counts is kept exactly', () => {
  const window = new ReplayWindow()
  const last = Number.MAX_SAFE_INTEGER - 1
  window.note(last)
  expect(window.isNew(last)).toBe(false)
  expect(window.isNew(last - 1)).toBe(true)
  expect(window.isNew(0)).toBe(false)
})
