import type { JobView, NodeView, OverviewView } from '@fog/contract'
import { type Colours, paintState } from './colours.ts'
import { tableText } from './table.ts'
import { agoText, bytesText, plainText, shortId, shortNumber } from './words.ts'

interface Frame {
  readonly now: number
  readonly columns: number
  readonly rows: number
  readonly colours: Colours
}

interface Seen {
  readonly overview: OverviewView
  readonly nodes: readonly NodeView[]
  readonly jobs: readonly JobView[]
}

const BAR = 20

/** The whole screen of `fog top`: no line wider than the terminal, and no more lines than it has. */
export function topText(seen: Seen, frame: Frame): string {
  const { colours, rows, columns } = frame
  const head = headLines(seen.overview, frame)
  const room = Math.max(4, rows - head.length - 5)
  const nodes = nodeLines(seen.nodes, frame).slice(0, Math.max(2, Math.floor(room / 2)))
  const jobs = jobLines(seen.jobs, frame).slice(0, Math.max(2, room - nodes.length))
  const lines = [...head, '', ...nodes, '', ...jobs]
  const shown = lines.slice(0, Math.max(1, rows - 1)).map((line) => cut(line, columns))
  const footer = rows < Number.MAX_SAFE_INTEGER ? [colours.dim('q leaves')] : []
  // Each line is wiped to its end, because the frame before may have been wider.
  return [...shown, ...footer].join(rows < Number.MAX_SAFE_INTEGER ? '\u001b[K\n' : '\n')
}

function headLines(
  { nodes, cores, memoryBytes, queue, available, onHold }: OverviewView,
  { colours, now }: Frame,
): string[] {
  const states = Object.entries(nodes).map(([state, number]) => `${number} ${paintState(state, colours)}`)
  const waiting = queue
    .filter(({ queued, running }) => queued + running > 0)
    .map(({ tier, queued, running, oldestQueuedAt }) => {
      const oldest = oldestQueuedAt === undefined ? '' : `, oldest ${agoText(oldestQueuedAt, now)}`
      return `${tier} ${queued} queued, ${running} running${oldest}`
    })
  return [
    `${colours.dim('Nodes ')}  ${states.length === 0 ? 'none' : states.join(', ')}`,
    `${colours.dim('Cores ')}  ${loadBar(cores.reserved, cores.capacity, colours)}  ${shortNumber(cores.reserved)} of ${shortNumber(cores.capacity)}`,
    `${colours.dim('Memory')}  ${loadBar(memoryBytes.reserved, memoryBytes.capacity, colours)}  ${bytesText(memoryBytes.reserved)} of ${bytesText(memoryBytes.capacity)}`,
    `${colours.dim('Queue ')}  ${waiting.length === 0 ? 'empty' : waiting.join('; ')}`,
    `${colours.dim('Tokens')}  ${available} available, ${onHold} on hold`,
  ]
}

function loadBar(used: number, of: number, colours: Colours): string {
  const full = of === 0 ? 0 : Math.min(BAR, Math.round((used / of) * BAR))
  return `${colours.blue('█'.repeat(full))}${colours.dim('░'.repeat(BAR - full))}`
}

function nodeLines(nodes: readonly NodeView[], { colours, now }: Frame): string[] {
  const columns = [
    { title: 'NODE' },
    { title: 'STATE' },
    { title: 'TASKS', align: 'right' },
    { title: 'CORES', align: 'right' },
    { title: 'MEMORY', align: 'right' },
    { title: 'SEEN' },
    { title: 'WHY' },
  ] as const
  const rows = nodes.map((node) => [
    plainText(node.name),
    paintState(node.state, colours),
    String(node.running),
    `${shortNumber(node.reserved.cores)}/${shortNumber(node.capacity.cores)}`,
    `${bytesText(node.reserved.memoryBytes)}/${bytesText(node.capacity.memoryBytes)}`,
    agoText(node.lastSeenAt, now),
    plainText(node.reasons[0] ?? ''),
  ])
  return tableText(columns, rows, colours).split('\n')
}

function jobLines(jobs: readonly JobView[], { colours, now }: Frame): string[] {
  const columns = [
    { title: 'JOB' },
    { title: 'NAME' },
    { title: 'STATUS' },
    { title: 'DONE' },
    { title: 'RUNNING', align: 'right' },
    { title: 'FAILED', align: 'right' },
    { title: 'SUBMITTED' },
  ] as const
  const rows = jobs.map(({ jobId, name, status, counts, tasks, submittedAt }) => [
    shortId(jobId),
    plainText(name),
    paintState(status, colours),
    `${loadBar(counts.done + counts.failed, tasks, colours)} ${counts.done}/${tasks}`,
    String(counts.running),
    counts.failed > 0 ? colours.red(String(counts.failed)) : '0',
    agoText(submittedAt, now),
  ])
  return tableText(columns, rows, colours).split('\n')
}

/** No wider than `columns`, what only paints not counted. */
export function cut(line: string, columns: number): string {
  let [out, width] = ['', 0]
  // eslint-disable-next-line no-control-regex -- the escape sequences themselves are what is looked for
  for (const part of line.split(/(\u001b\[\d+m)/)) {
    if (part.startsWith('\u001b[')) {
      out += part
      continue
    }
    const room = Array.from(part).slice(0, Math.max(0, columns - width))
    out += room.join('')
    width += room.length
  }
  return out
}
