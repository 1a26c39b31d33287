import type { RigidJob, Trace } from './rigid-job.ts'

/** Fields of a line, by their place in Standard Workload Format 2.2. */
const FIELD = { job: 0, submit: 1, run: 3, used: 4, asked: 7, askedTime: 8, user: 11, program: 13 } as const
const FIELDS = 18

/**
 * Reads a log of the Parallel Workloads Archive (Standard Workload Format). Jobs without processors or run time never ran
 * and are left out. A job counts with the processors it asked for, or else used, and is given no less time than it took:
 * its estimate is what the scheduler knew, and a run beyond it was let pass. Throws a `TypeError` that names the line.
 */
export function readSwf(name: string, text: string): Trace {
  const lines = text.split('\n')
  const header = lines.filter((line) => line.startsWith(';')).join('\n')
  const processors = Number(/^;\s*MaxProcs:\s*(\d+)/m.exec(header)?.[1] ?? Number.NaN)
  if (!Number.isInteger(processors)) throw new TypeError(`${name} does not say how many processors there were`)
  const jobs = lines.flatMap((line, i) => (isRecord(line) ? readJob(name, line, i + 1) : []))
  return { name, processors, jobs: jobs.sort((a, b) => a.submittedAt - b.submittedAt || a.jobNumber - b.jobNumber) }
}

function isRecord(line: string): boolean {
  return line.trim() !== '' && !line.startsWith(';')
}

function readJob(name: string, line: string, lineNumber: number): RigidJob[] {
  const fields = line.trim().split(/\s+/).map(Number)
  if (fields.length !== FIELDS || fields.some(Number.isNaN)) {
    throw new TypeError(`line ${lineNumber} of ${name} has not ${FIELDS} numbers`)
  }
  const of = (field: keyof typeof FIELD) => fields[FIELD[field]]!
  const width = of('asked') > 0 ? of('asked') : of('used')
  const runSeconds = of('run')
  if (width < 1 || runSeconds < 0) return []
  return [
    {
      jobNumber: of('job'),
      submittedAt: of('submit'),
      runSeconds,
      width,
      askedSeconds: Math.max(of('askedTime'), runSeconds, 1),
      user: of('user'),
      program: of('program'),
    },
  ]
}
