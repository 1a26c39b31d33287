import { type MouseEvent, useEffect, useMemo, useRef, useState } from 'react'
import type { TaskView } from '@fog/contract'
import { useTheme } from '../../parts/theme.ts'
import { cellAt, type Grid, gridFor } from './grid.ts'

const PAINT: Readonly<Record<TaskView['status'], string>> = {
  queued: '--bar-idle',
  running: '--bar-run',
  done: '--bar-good',
  failed: '--bar-bad',
  cancelled: '--bar-warn',
}
const WORDS: Readonly<Record<TaskView['status'], string>> = {
  queued: 'waits',
  running: 'runs',
  done: 'is done',
  failed: 'failed',
  cancelled: 'was cancelled',
}

/** Every task as one small square, in order. The table below says the same in words. */
export function TaskMap(props: TaskMapProps) {
  const { shown } = useTheme()
  return <Squares key={shown} {...props} />
}

interface TaskMapProps {
  readonly tasks: readonly TaskView[]
  readonly onOpen: (taskId: string) => void
}

function Squares({ tasks, onOpen }: TaskMapProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [width, setWidth] = useState(0)
  const [pointed, setPointed] = useState<TaskView | undefined>(undefined)
  const grid = useMemo(() => gridFor(tasks.length, width), [tasks.length, width])
  useEffect(() => {
    const element = canvas.current!.parentElement!
    const watch = new ResizeObserver(() => setWidth(element.clientWidth))
    watch.observe(element)
    return () => watch.disconnect()
  }, [])
  useEffect(() => paint(canvas.current!, tasks, grid), [tasks, grid])

  const taskUnder = (event: MouseEvent) => {
    const box = canvas.current!.getBoundingClientRect()
    return tasks[cellAt(grid, event.clientX - box.left, event.clientY - box.top) ?? -1]
  }
  return (
    <div className="w-full overflow-hidden">
      {/* For the mouse only: by keyboard the same tasks are opened from the table. */}
      <canvas
        ref={canvas}
        aria-hidden="true"
        className={pointed ? 'cursor-pointer' : undefined}
        onMouseMove={(event) => setPointed(taskUnder(event))}
        onMouseLeave={() => setPointed(undefined)}
        onClick={(event) => {
          const task = taskUnder(event)
          if (task) onOpen(task.taskId)
        }}
      />
      <p aria-hidden="true" className="mt-1 h-5 truncate text-xs text-faint">
        {pointed
          ? `Task ${pointed.index} ${WORDS[pointed.status]}${pointed.nodeName ? ` on ${pointed.nodeName}` : ''}${pointed.item ? `: ${pointed.item}` : ''}`
          : 'Each square is a task.'}
      </p>
    </div>
  )
}

function paint(canvas: HTMLCanvasElement, tasks: readonly TaskView[], grid: Grid): void {
  const context = canvas.getContext('2d')
  if (!context || grid.columns === 0) return
  const ratio = window.devicePixelRatio || 1
  canvas.width = Math.round(grid.width * ratio)
  canvas.height = Math.round(grid.height * ratio)
  canvas.style.width = `${grid.width}px`
  canvas.style.height = `${grid.height}px`
  context.scale(ratio, ratio)
  const style = getComputedStyle(canvas)
  const side = grid.cell - grid.gap
  for (const [place, task] of tasks.entries()) {
    context.fillStyle = style.getPropertyValue(PAINT[task.status])
    context.beginPath()
    context.roundRect(
      (place % grid.columns) * grid.cell,
      Math.floor(place / grid.columns) * grid.cell,
      side,
      side,
      side / 5,
    )
    context.fill()
  }
}
