import type { JobView } from '@fog/contract'
import type { Fog, PreparedJob } from '@fog/sdk'
import { fetchResults } from '@fog/sdk/node'
import { EXIT } from './exit-code.ts'
import type { Invocation } from './invocation.ts'
import { barText, type Progress, progressLine } from './show/bar.ts'
import { coloursOf } from './show/colours.ts'
import type { StatusLine } from './show/status-line.ts'
import { bytesText, count, plainText, shortId } from './show/words.ts'

/** Uploads and submits, showing how far the upload is. */
export async function submitShowing(it: Invocation, fog: Fog, prepared: PreparedJob): Promise<JobView> {
  const line = it.statusLine()
  try {
    return await fog.submit(prepared, ({ files, uploaded, bytes }) => {
      line.update(() => `Uploading ${uploaded}/${files} files, ${bytesText(bytes)}`)
    })
  } finally {
    line.clear()
  }
}

/** Waits for a job behind a progress bar. Ctrl-C leaves the job running and says how to come back. */
export async function waitShowing(it: Invocation, fog: Fog, { jobId, name, tasks }: JobView): Promise<JobView> {
  const line = it.statusLine()
  const startedAt = it.now()
  let seen: JobView | undefined
  const draw = () => {
    const job = seen
    if (job) line.update(() => textOf(it, line, job, it.now() - startedAt))
  }
  const onChange = (job: JobView) => {
    seen = job
    draw()
  }
  const ticking = line.isTerminal ? setInterval(draw, 200) : undefined
  const over = new AbortController()
  const explaining = explainDelay(it, fog, { jobId, signal: over.signal, before: () => line.clear() })
  try {
    const settled = await it.interruptible(
      (signal) => fog.wait(jobId, { signal, onChange }),
      () => {
        line.clear()
        return comeBackText(jobId, name, tasks)
      },
    )
    line.end(textOf(it, line, settled, it.now() - startedAt))
    return settled
  } finally {
    over.abort()
    await explaining
    clearInterval(ticking)
    line.clear()
  }
}

function textOf(it: Invocation, line: StatusLine, job: JobView, elapsedMs: number): string {
  const { counts, tasks } = job
  const progress: Progress = {
    label: plainText(job.name),
    total: tasks,
    done: counts.done,
    failed: counts.failed + counts.cancelled,
    running: counts.running,
    elapsedMs,
  }
  const colours = coloursOf({ setting: it.config.colour, isTerminal: line.isTerminal })
  return line.isTerminal ? barText(progress, line.columns, colours) : progressLine(progress)
}

/** Waited this long without a node, the person is told what holds it up. */
const EXPLAIN_AFTER_MS = 4_000

/** Tells once what holds a job up that no node has begun after a while. */
export async function explainDelay(
  it: Invocation,
  fog: Fog,
  { jobId, signal, before }: { readonly jobId: string; readonly signal: AbortSignal; readonly before?: () => void },
): Promise<void> {
  try {
    await it.clock.sleep(EXPLAIN_AFTER_MS, signal)
    const { status, reasons } = await fog.client.call('explainJob', { params: { jobId }, signal })
    const isWaiting = status === 'queued' && !signal.aborted
    if (!isWaiting || !reasons[0]) return
    before?.()
    await it.note(`fog: still waiting: ${reasons[0].text}`)
  } catch {
    // Over before there was anything to explain, or not to be explained: no reason to disturb.
  }
}

/** What a person needs to know who stops waiting. */
export function comeBackText(jobId: string, name: string, tasks = 1): string {
  const short = shortId(jobId)
  const look = tasks === 1 ? `fog logs -f ${short}` : `fog ps ${short}`
  const ways = [
    [look, 'look at it'],
    [`fog get ${short}`, 'fetch its results'],
    [`fog cancel ${short}`, 'end it'],
  ] as const
  const width = Math.max(...ways.map(([command]) => command.length))
  const lines = ways.map(([command, meaning]) => `  ${command.padEnd(width)}  ${meaning}`)
  return [`The job ${plainText(name)} goes on without you.`, ...lines].join('\n')
}

/** How a command ends that waited for this job. */
export function exitCodeOfJob({ status }: Pick<JobView, 'status'>): number {
  return status === 'succeeded' ? EXIT.ok : EXIT.failed
}

/** Fetches results behind a line that counts. Answers how many files were written. */
export async function fetchShowing(
  it: Invocation,
  fog: Fog,
  { jobId, counts }: JobView,
  folder: string,
): Promise<number> {
  const line = it.statusLine()
  let [tasks, bytes] = [0, 0]
  try {
    const files = await fetchResults(fog, jobId, folder, ({ task }) => {
      tasks += 1
      bytes += task.outputs.reduce((sum, { size }) => sum + size, task.stdout.size + task.stderr.size)
      line.update(() => `Fetching ${tasks}/${counts.done} results, ${bytesText(bytes)}`)
    })
    line.clear()
    if (!it.json) await it.note(`Wrote ${count(files, 'file')}, ${bytesText(bytes)}, to ${folder}`)
    return files
  } finally {
    line.clear()
  }
}
