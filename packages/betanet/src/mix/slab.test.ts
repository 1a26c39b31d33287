import { expect, test } from 'vitest'
import { NO_SLOT, Slab } from './slab.ts'

test('every slot is handed out once, and again when it came back', () => {
  const slab = new Slab({ slots: 4, slotBytes: 10 })
  const taken = [slab.take(), slab.take(), slab.take(), slab.take()]
  expect(new Set(taken)).toEqual(new Set([0, 1, 2, 3]))
  expect(slab.take()).toBe(NO_SLOT)
  slab.give(taken[2]!)
  expect(slab.free).toBe(1)
  expect(slab.take()).toBe(taken[2])
  expect(slab.offsetOf(3)).toBe(30)
  expect(slab.bytes).toHaveLength(40)
})

test('a slot given back twice is a fault, not a second owner', () => {
  const slab = new Slab({ slots: 2, slotBytes: 1 })
  const slot = slab.take()
  slab.give(slot)
  expect(() => slab.give(slot)).toThrow('given back once')
})
