import { expect, test } from 'vitest'
import type { JobView, NodeView, OverviewView } from '@fog/contract'
import { visibleLength } from './bar.ts'
import { coloursOf } from './colours.ts'
import { cut, topText } from './top-text.ts'

const NOW = Date.UTC(2026, 0, 1)
const at = new Date(NOW - 5_000).toISOString()
const overview: OverviewView = {
  nodes: { online: 1, lost: 1 },
  cores: { capacity: 4, reserved: 2 },
  memoryBytes: { capacity: 4_294_967_296, reserved: 0 },
  jobs: { running: 1 },
  queue: [{ tier: 'silver', queued: 3, running: 2, oldestQueuedAt: at }],
  available: '10',
  onHold: '2.5',
}
const room = { cores: 2, memoryBytes: 1_073_741_824, diskBytes: 0 }
const node = {
  name: 'cellar',
  state: 'online',
  reasons: [],
  running: 2,
  reserved: room,
  capacity: room,
  lastSeenAt: at,
} as unknown as NodeView
const job = {
  jobId: 'job_06h05cg0rsaa4pe3rzhwf94wng',
  name: 'x'.repeat(200),
  status: 'running',
  counts: { queued: 3, running: 2, done: 5, failed: 0, cancelled: 0 },
  tasks: 10,
  submittedAt: at,
} as unknown as JobView
const frame = { now: NOW, colours: coloursOf({ setting: 'always', isTerminal: true }) }

test.each([
  [20, 6],
  [60, 12],
  [100, 30],
  [200, 60],
])('on %d columns and %d rows it stays within them', (columns, rows) => {
  const seen = { overview, nodes: Array.from({ length: 40 }, () => node), jobs: Array.from({ length: 40 }, () => job) }
  const lines = topText(seen, { ...frame, columns, rows }).split('\u001b[K\n')
  expect(lines.length).toBeLessThanOrEqual(rows)
  expect(lines.filter((line) => visibleLength(line) > columns)).toEqual([])
})

test('it shows nodes, load, queue, money and jobs', () => {
  const colours = coloursOf({ setting: 'never', isTerminal: false })
  const text = topText(
    { overview, nodes: [node], jobs: [job] },
    { ...frame, colours, columns: 400, rows: Number.MAX_SAFE_INTEGER },
  )
  expect(text).toContain('1 online, 1 lost')
  expect(text).toContain('██████████░░░░░░░░░░  2 of 4')
  expect(text).toContain('silver 3 queued, 2 running, oldest 5 s ago')
  expect(text).toContain('10 available, 2.5 on hold')
  expect(text).toContain('cellar')
  expect(text).toContain('5/10')
})

test('a cut line keeps what only paints', () => {
  expect(cut('\u001b[31mabc\u001b[39mdef', 4)).toBe('\u001b[31mabc\u001b[39md')
})
