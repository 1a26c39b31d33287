import { Link } from '@tanstack/react-router'
import { Check } from 'lucide-react'
import type { ReactNode } from 'react'
import { buttonClass } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { classes } from '../../parts/classes.ts'
import { CopyBlock } from '../../parts/copy.tsx'

/** What a newcomer does first; each step is ticked once it is done. */
export function FirstSteps({ nodes, jobs, origin }: { nodes: number; jobs: number; origin: string }) {
  return (
    <Card title="First steps" note="From nothing to a finished job.">
      <ol className="grid gap-5 md:grid-cols-3 xl:grid-cols-[1fr_1.5fr_1fr]">
        <Step number={1} title="Lend a device" done={nodes > 0}>
          <p>
            Any machine with Fog on it can join. Make a join token here and run the command it shows on that machine.
          </p>
          <Link to="/nodes" search={{ add: true }} className={`${buttonClass('plain', 'small')} mt-3`}>
            Add a device
          </Link>
        </Step>
        <Step number={2} title="Run a job" done={jobs > 0}>
          <p>
            Drop the folder <code className="font-mono text-[0.8125rem]">examples/mandelbrot</code> on the submit page,
            or from a terminal:
          </p>
          <div className="mt-3 space-y-2">
            <CopyBlock text={`fog login ${origin}`} label="Copy the log-in command" />
            <CopyBlock text="fog submit examples/mandelbrot/job.yaml" label="Copy the submit command" />
          </div>
        </Step>
        <Step number={3} title="Read its receipt" done={false}>
          <p>
            Every job says who ran it, how long, what it used and what it cost. Unused tokens come back by themselves.
          </p>
        </Step>
      </ol>
    </Card>
  )
}

function Step({
  number,
  title,
  done,
  children,
}: {
  number: number
  title: string
  done: boolean
  children: ReactNode
}) {
  return (
    <li className="flex min-w-0 gap-3">
      <span
        className={classes(
          'flex size-7 shrink-0 items-center justify-center rounded-full text-sm font-semibold',
          done ? 'bg-good-tint text-good' : 'bg-tint text-accent',
        )}
      >
        {done ? <Check size={15} role="img" aria-label="Done" /> : number}
      </span>
      <div className="min-w-0 flex-1 text-sm text-soft">
        <h3 className="mb-1 pt-0.5 font-semibold text-ink">{title}</h3>
        {children}
      </div>
    </li>
  )
}
