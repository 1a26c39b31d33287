import { useEffect, useRef, useState } from 'react'
import type { JobView, TaskView } from '@fog/contract'
import { countOf, formatCount, formatDuration, percentOf } from '../../format/format.ts'
import { Card } from '../../parts/card.tsx'
import { type Column, DataTable } from '../../parts/data-table.tsx'
import { Loading, Notice } from '../../parts/notice.tsx'
import { useTheme } from '../../parts/theme.ts'
import { useNow } from '../../parts/time.tsx'
import { type Lane, lanesOf } from './lanes.ts'

interface TimelineProps {
  readonly job: JobView
  readonly tasks: readonly TaskView[] | undefined
  /** Whether the job is small enough for its tasks to be drawn. */
  readonly mapped: boolean
}

/** Which device worked when, as a picture and as a table. */
export function Timeline({ job, tasks, mapped }: TimelineProps) {
  const now = useNow()
  const { shown } = useTheme()
  if (!mapped) {
    return (
      <Card title="Timeline">
        <Notice>
          This job has {countOf(job.tasks, 'task')}: too many to draw one by one. The receipt shows the work by node.
        </Notice>
      </Card>
    )
  }
  if (!tasks) return <Loading label="Loading the timeline" />
  const end = job.finishedAt ? Date.parse(job.finishedAt) : now
  const lanes = lanesOf(tasks, end)
  if (lanes.length === 0) {
    return (
      <Card title="Timeline">
        <p className="text-sm text-soft">No task has started yet.</p>
      </Card>
    )
  }
  const start = Math.min(...lanes.flatMap(({ spans }) => spans.map(({ from }) => from)))
  return (
    <Card
      flush
      title="Timeline"
      note={`${formatDuration(end - start)} from the first start to ${job.finishedAt ? 'the end' : 'now'}. The last try of each task is shown.`}
    >
      <ol className="space-y-3 px-4 pb-4 sm:px-5">
        {lanes.map((lane) => (
          <li key={lane.nodeId}>
            <p className="mb-1 truncate text-[0.8125rem] font-medium">{lane.nodeName}</p>
            <LanePicture key={shown} lane={lane} start={start} end={end} />
          </li>
        ))}
      </ol>
      <div className="border-t border-line">
        <DataTable
          caption="Work by node"
          columns={columnsFor(end - start)}
          rows={lanes}
          rowId={(lane) => lane.nodeId}
        />
      </div>
    </Card>
  )
}

function columnsFor(wholeMs: number): readonly Column<Lane>[] {
  return [
    { id: 'node', header: 'Node', className: 'w-full', sort: (lane) => lane.nodeName, cell: (lane) => lane.nodeName },
    {
      id: 'tasks',
      header: 'Tasks',
      align: 'end',
      sort: (lane) => lane.spans.length,
      cell: (lane) => formatCount(lane.spans.length),
    },
    {
      id: 'abreast',
      header: 'Side by side',
      align: 'end',
      from: 'sm',
      sort: (lane) => lane.rows,
      cell: (lane) => formatCount(lane.rows),
    },
    {
      id: 'busy',
      header: 'Busy',
      align: 'end',
      sort: (lane) => lane.busyMs,
      cell: (lane) => <span className="whitespace-nowrap">{formatDuration(lane.busyMs)}</span>,
    },
    {
      id: 'share',
      header: 'Of the time',
      align: 'end',
      from: 'sm',
      cell: (lane) => `${Math.round(percentOf(lane.busyMs, wholeMs))} %`,
    },
  ]
}

const PAINT: Readonly<Record<TaskView['status'], string>> = {
  queued: '--bar-idle',
  running: '--bar-run',
  done: '--bar-good',
  failed: '--bar-bad',
  cancelled: '--bar-warn',
}
const MOST_ROWS = 12

function LanePicture({ lane, start, end }: { lane: Lane; start: number; end: number }) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  useEffect(() => {
    const element = canvas.current!.parentElement!
    const watch = new ResizeObserver(() => setWidth(element.clientWidth))
    watch.observe(element)
    return () => watch.disconnect()
  }, [])
  useEffect(() => paint(canvas.current!, lane, { start, end, width }), [lane, start, end, width])
  return (
    <div className="w-full overflow-hidden rounded-md bg-sunken">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${lane.nodeName}: ${countOf(lane.spans.length, 'task')}, busy for ${formatDuration(lane.busyMs)}`}
        className="block"
      />
    </div>
  )
}

function paint(
  canvas: HTMLCanvasElement,
  { spans, rows }: Lane,
  { start, end, width }: { start: number; end: number; width: number },
): void {
  const context = canvas.getContext('2d')
  if (!context || width <= 0) return
  const shownRows = Math.min(rows, MOST_ROWS)
  const rowHeight = shownRows > 4 ? 8 : 14
  const height = shownRows * rowHeight + 4
  const ratio = window.devicePixelRatio || 1
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  canvas.style.width = `${width}px`
  canvas.style.height = `${height}px`
  context.scale(ratio, ratio)
  const style = getComputedStyle(canvas)
  const perMs = (width - 4) / Math.max(1, end - start)
  for (const { task, from, to, row } of spans) {
    if (row >= shownRows) continue
    context.fillStyle = style.getPropertyValue(PAINT[task.status])
    context.beginPath()
    context.roundRect(
      2 + (from - start) * perMs,
      2 + row * rowHeight + 1,
      Math.max(1.5, (to - from) * perMs - 1),
      rowHeight - 2,
      2,
    )
    context.fill()
  }
}
