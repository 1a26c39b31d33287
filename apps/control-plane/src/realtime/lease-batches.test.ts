import type { LeaseMessage } from '@fog/contract'
import { expect, test } from 'vitest'
import { leaseBatches } from './lease-batches.ts'

const lease = (inputs: number) => ({ inputs: Array.from({ length: inputs }, () => ({})) }) as unknown as LeaseMessage
const sizes = (...inputs: number[]) =>
  leaseBatches(inputs.map(lease)).map((batch) => batch.map((it) => it.inputs.length))

test('ordinary leases share a message', () => {
  expect(sizes(3, 0, 5)).toEqual([[3, 0, 5]])
  expect(sizes()).toEqual([])
})

test('leases with very many inputs get messages of their own, in order', () => {
  expect(sizes(10_000, 10_000, 1, 10_000)).toEqual([
    [10_000, 10_000],
    [1, 10_000],
  ])
  expect(sizes(30_000, 0)).toEqual([[30_000], [0]])
})
