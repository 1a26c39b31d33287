import { expect, test } from 'vitest'
import { peerNoteText } from './mix-texts.ts'

test('what a peer says of the network is put in words, and nothing else is', () => {
  const suspected = { type: 'node.suspected', nodeId: 'ab'.repeat(32), standing: 'losing', isAvoided: true }
  expect(peerNoteText(suspected)).toBe(
    'Node abababab loses packets, as loops through it show, and is left out of paths for a while.',
  )
  expect(peerNoteText({ ...suspected, standing: 'delaying', isAvoided: false })).toBe(
    'Node abababab delays packets, as loops through it show.',
  )
  expect(peerNoteText({ type: 'node.cleared', nodeId: 'ab'.repeat(32) })).toBe('Node abababab is suspected no more.')
  expect(peerNoteText({ type: 'network.stopped', why: 'No consensus\u001B[2J came.' })).not.toContain('\u001B')
  expect(peerNoteText({ type: 'clock.off', aheadMs: -95_000, mostMs: 60_000 })).toContain("behind the directory's")
  expect(peerNoteText({ type: 'message', text: 'hello' })).toBeUndefined()
})
