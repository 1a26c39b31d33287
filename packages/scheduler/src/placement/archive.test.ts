import { assert, array, integer, property, tuple } from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hypervolume } from '../nsga2/index.ts'
import { Archive, isAsGood } from './archive.ts'

const points = array(tuple(integer({ min: 0, max: 30 }), integer({ min: 0, max: 30 }), integer({ min: 0, max: 30 })), {
  minLength: 1,
  maxLength: 120,
})
const NOWHERE = new Int32Array(0)

describe('the archive', () => {
  test.each([true, false])('never holds a dominated point or more than its bound (volumes known: %s)', (isMeasured) => {
    assert(
      property(points, integer({ min: 3, max: 12 }), (offered, bound) => {
        const archive = new Archive(3, bound)
        if (isMeasured) archive.measureTo(Float64Array.of(33, 33, 33))
        for (const point of offered) {
          archive.offer(Float64Array.from(point), NOWHERE)
          const held = archive.members.map(({ values }) => values)
          expect(held.length).toBeLessThanOrEqual(bound)
          expect(held.some((a) => held.some((b) => a !== b && isAsGood(a, b)))).toBe(false)
        }
      }),
    )
  })

  test('always has a point as good as each guarded one, as long as the bound allows', () => {
    assert(
      property(points, (offered) => {
        const guarded = offered.slice(0, 6).map((point) => Float64Array.from(point))
        const archive = new Archive(3, 8)
        archive.measureTo(Float64Array.of(33, 33, 33))
        for (const values of guarded) {
          archive.guard(values)
          archive.offer(values, NOWHERE)
        }
        for (const point of offered) archive.offer(Float64Array.from(point), NOWHERE)
        for (const guard of guarded) expect(archive.members.some(({ values }) => isAsGood(values, guard))).toBe(true)
      }),
    )
  })

  test('holds the whole front where there is room for it', () => {
    assert(
      property(points, (offered) => {
        const archive = new Archive(3, 500)
        for (const point of offered) archive.offer(Float64Array.from(point), NOWHERE)
        const volumeOf = (all: readonly (readonly number[] | Float64Array)[]) =>
          hypervolume(Float64Array.from(all.flatMap((point) => [...point])), [33, 33, 33])
        expect(volumeOf(archive.members.map(({ values }) => values))).toBe(volumeOf(offered))
      }),
    )
  })

  test('keeps what it is given apart from the giver', () => {
    const archive = new Archive(1, 4)
    const values = Float64Array.of(5)
    const nodeOf = Int32Array.of(2)
    archive.offer(values, nodeOf)
    values[0] = 0
    nodeOf[0] = 7
    expect(archive.members).toEqual([{ values: Float64Array.of(5), nodeOf: Int32Array.of(2) }])
  })
})
